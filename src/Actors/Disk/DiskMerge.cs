using System.Collections.Immutable;
using static Orchestrator.Actors.Disk.DiskCommand;
using static Orchestrator.Actors.Disk.DiskDecider;
using static Orchestrator.Actors.Disk.DiskEvent;
using static Orchestrator.Actors.Disk.DiskState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Disk.DiskEvent, Orchestrator.Actors.Disk.DiskEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>
/// The rules by which the images of a snapshot that is removed become one with others. Pure. An image that nobody needs by itself
/// takes in the one that rests on it, which is deleted when the journal has heard of it.
/// <list type="number">
/// <item>Everything that rests on the two reads right at any moment of it, so nothing need be journaled before, and a
/// step of which nobody knows what became is done again.</item>
/// <item>Under a guest only images are merged that it does not write: the one that it writes could only be merged without
/// a moment at which the journal knows which of the two has the last write. It stays on top of one that nobody needs, which
/// takes it in when the next snapshot is removed, or while no guest runs.</item>
/// <item>A start is not held up: once it runs, its guest's host goes on.</item>
/// </list>
/// </summary>
public static class DiskMerge
{
    /// <param name="Above">Rests on <paramref name="Top"/>, and on <paramref name="Base"/> afterwards; null: nothing does.</param>
    public sealed record Pair(Layer Base, string Top, string? Above);

    internal static Decision Begin(DiskState disk, DropSnapshot c) => disk switch
    {
        Merging s when s.Work == c.Origin.Job.Value => Done,
        Illegal s                            => DiskLayers.Failed(c.Vm, c.Origin.Job.Value, $"its image is illegal: {s.Reason}"),
        not Ok                               => No(Fault.DiskLocked),
        _ when disk.Core.Preview is not null => DiskLayers.Failed(c.Vm, c.Origin.Job.Value, "a snapshot of it is looked at"),
        _ when disk.Core.Below.All(l => l.Snapshot is { } other && other != c.Snapshot) => DiskLayers.Tell(c.Vm, c.Origin.Job.Value, LayerNews.Ended),
        _                                    => Accept(new MergeRequested(c.Origin, c.Vm, c.Snapshot, c.Host)),
    };

    internal static Decision Decide(Merging s, DiskCommand command) => (s.Step, command) switch
    {
        (MergeStep.Asking, ReportIdle c) when c.Work == s.LoanWork()    => Go(s, null, c.At),
        (MergeStep.Asking, ReportLent c) when c.Work == s.LoanWork()    => Go(s, c.Guest, c.At),
        (MergeStep.Asking, ReportNotLent c) when c.Work == s.LoanWork() => Over(s, s.Guest, [new MergeFailed(c.Why, c.At)], LayerNews.Failed, c.Why),
        (MergeStep.UnderGuest, ReportLent c) when c.Work == s.LoanWork() && c.Guest == s.Guest => Done,
        // Its guest is no more where it was.
        (MergeStep.UnderGuest, ReportLent c) when c.Work == s.LoanWork() => Go(s, c.Guest, c.At),
        (MergeStep.UnderGuest, ReportIdle c) when c.Work == s.LoanWork() => Go(s, null, c.At),
        (_, ReportIdle or ReportLent or ReportNotLent)             => No(Fault.StaleReport),

        (_, ReportImageWork c) when s.Step == MergeStep.Asking || c.Work != s.StepWork() => No(Fault.StaleReport),
        (_, ReportImageWork { Lost: true } c)                      => Accept(new StepRepeated(c.At)),
        (_, ReportImageWork { Ok: true } c)                        => Merged(s, c.At),
        (_, ReportImageWork c)                                     => Over(s, s.Guest, [new MergeFailed(c.Message, c.At)], LayerNews.Failed, c.Message),

        (_, AskWhetherLent c)                                      => c.Work == s.LoanWork() ? Done : DiskMove.Answer(c),
        (_, EndLayer c)                                            => DiskLayers.Ended(s, c),
        // A late copy: of a start that is under way it may well be; of any other, its time is over.
        (_, Attach c) when s.Core.Recent.Contains(c.Origin.Job)    => s.Step == MergeStep.Asking ? Done : No(Fault.StaleReport),
        (_, Attach c) when !c.Starts || !s.Core.Vms.Contains(c.Vm) || s.Step == MergeStep.Alone => No(Fault.DiskLocked),
        // Its guest of before is dead.
        (_, Attach c)                                              => new Decision.Accept([new MergeHeldUp(c.Origin.Job, c.Origin.At)])
                                                                      {
                                                                          Then = Given(s, s.Guest),
                                                                      },
        (_, Detach c)                                              => s.Core.Vms.Contains(c.Vm) ? Accept(new Detached(c.Origin, c.Vm)) : Done,
        _                                                          => No(Fault.DiskLocked),
    };

    internal static DiskState Evolve(DiskState disk, DiskEvent fact) => (disk, fact) switch
    {
        (_, MergeRequested e)         => new Merging(
                                             disk.Core with
                                             {
                                                 Recent = disk.Core.Recent.Add(e.Origin.Job),
                                                 Below = [.. disk.Core.Below.Select(l => l.Snapshot == e.Snapshot ? l with { Snapshot = null } : l)],
                                             },
                                             e.Vm, e.Origin.Job.Value, e.Host, MergeStep.Asking),
        (Merging s, MergeBegun e)     => s with { Step = e.Guest is null ? MergeStep.Alone : MergeStep.UnderGuest, Guest = e.Guest, Attempt = s.Attempt + 1, Lost = 0 },
        (Merging s, StepRepeated)     => s with { Attempt = s.Attempt + 1, Lost = s.Lost + 1 },
        (Merging s, MergeHeldUp e)    => s with { Step = MergeStep.Asking, Guest = null, Round = s.Round + 1, Core = s.Core with { Recent = s.Core.Recent.Add(e.By) } },
        (Merging s, LayerMerged e)    => s with { Attempt = s.Attempt + 1, Lost = 0, Core = Without(s.Core, e.Path, s.Guest?.Host ?? s.Host) },
        (Merging s, MergeDone or MergeFailed) => new Ok(s.Core),
        _                             => disk,
    };

    internal static ImmutableArray<DiskEffect> Outstanding(Merging s) => s switch
    {
        { Step: MergeStep.Alone } => [new DiskEffect.MergeImages(s.Host, s.StepWork())],
        { Guest: { } guest }      => [new DiskEffect.MergeUnderGuest(guest, s.StepWork()), AskForLoan(s.Core, s.LoanWork())],
        _                         => [AskForLoan(s.Core, s.LoanWork())],
    };

    /// <summary>The two that are merged next, or null.</summary>
    /// <param name="alone">No guest has the images open.</param>
    public static Pair? Next(DiskCore core, bool alone)
    {
        var below = core.Below;
        for (var i = 0; i < below.Length - 1; i++)
            if (below[i].Snapshot is null)
                return new Pair(below[i], below[i + 1].Path, i + 2 < below.Length ? below[i + 2].Path : core.Path);
        return alone && below is [.., { Snapshot: null } last] ? new Pair(last, core.Path, null) : null;
    }

    /// <summary>Each time that a step is said again because nobody knows what became of it, it has a number of its own; and the VM
    /// has asked its other disks by the same job.</summary>
    public static Guid StepWork(this Merging s) => WorkId.Of($"{s.Work} {s.Core.Id} {s.Step} {s.Attempt}");

    /// <summary>What was answered before a start says nothing of who has it open after it.</summary>
    public static Guid LoanWork(this Merging s) => WorkId.Of($"{s.Work} {s.Core.Id} loan {s.Round}");

    private static Decision Go(Merging s, GuestCopy? guest, DateTimeOffset at) => Next(s.Core, guest is null) is null
        ? Over(s, guest, [new MergeDone(at)], LayerNews.Ended)
        : Accept(new MergeBegun(guest, at));

    private static Decision Merged(Merging s, DateTimeOffset at)
    {
        if (Next(s.Core, s.Guest is null) is not { } pair) return Over(s, s.Guest, [new MergeDone(at)], LayerNews.Ended);
        var merged = new LayerMerged(pair.Top, at);
        return Next(Without(s.Core, pair.Top, s.Host), s.Guest is null) is null
            ? Over(s, s.Guest, [merged, new MergeDone(at)], LayerNews.Ended)
            : Accept(merged);
    }

    /// <summary>The image that this one rested on has taken it in.</summary>
    private static DiskCore Without(DiskCore core, string top, HostId host)
    {
        if (top == core.Path && core.Below is [.., var last])
            return DiskLayers.Left(core, host, top) with { Path = last.Path, Below = core.Below[..^1] };
        for (var i = 1; i < core.Below.Length; i++)
            if (core.Below[i] is { } taken && taken.Path == top)
                return DiskLayers.Left(core, host, top) with
                {
                    Below = core.Below.RemoveAt(i).SetItem(i - 1, core.Below[i - 1] with { Snapshot = taken.Snapshot, Size = taken.Size }),
                };
        return core;
    }

    private static Decision Over(Merging s, GuestCopy? guest, ImmutableArray<DiskEvent> last, LayerNews news, string why = "") =>
        new Decision.Accept(last) { Then = [.. Given(s, guest), new DiskEffect.TellLayer(s.Vm, s.Work, news, why)] };

    private static ImmutableArray<DiskEffect> Given(Merging s, GuestCopy? guest) =>
        guest is null ? [] : [new DiskEffect.GiveBack(guest.Vm, s.LoanWork())];
}
