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
/// The rules by which an image goes to another storage domain, also under a guest that runs. Pure.
/// <list type="number">
/// <item>From the first moment nobody is given the disk: whoever has it is asked whether its guest runs.</item>
/// <item>Of a guest that runs, everything it writes goes to both images once the copy has caught up. Only then is the new
/// image the disk's, in the journal and before the guest is switched over: whenever the guest dies after that, the new
/// image has all that was written; whenever it dies before, the old one.</item>
/// <item>Its VM starting anew is the proof that the guest of before is dead, and ends the move where it stands.</item>
/// </list>
/// </summary>
public static class DiskMove
{
    internal static Decision Begin(DiskState disk, Move c) => disk switch
    {
        Ok when c.To.Domain == disk.Config.StorageDomain => No(Fault.DiskMovedToItself),
        Ok when disk.Core.Vms.Length > 1 => No(Fault.DiskShared),
        Ok when !disk.Core.Below.IsEmpty => No(Fault.DiskHasSnapshots),
        Ok when DiskRewrite.IsTaken(disk, c.To.Path) => new Decision.Refuse(Fault.InvalidValue, "path"),
        Ok                               => Accept(new MoveRequested(c.Origin, c.To, c.Host)),
        Illegal                          => No(Fault.DiskIllegal),
        _                                => No(Fault.DiskLocked),
    };

    internal static Decision Decide(Moving s, DiskCommand command) => (s.Step, command) switch
    {
        (MoveStep.Asking, ReportIdle c) when c.Work == s.Work    => Accept(new CopyBegun(c.At)),
        (MoveStep.Asking, ReportLent c) when c.Work == s.Work    => Accept(new MirrorBegun(c.Guest, c.At)),
        (MoveStep.Asking, ReportNotLent c) when c.Work == s.Work => Over(s, new MoveFailed(c.Why, c.At)),
        (MoveStep.Copying, ReportIdle or ReportLent or ReportNotLent) => No(Fault.StaleReport),
        (_, ReportIdle c) when c.Work == s.Work                  => Over(s, Ended(s, c.At)),
        (_, ReportLent c) when c.Work == s.Work                  => c.Guest == s.Guest ? Done : Over(s, Ended(s, c.At)),
        (_, ReportIdle or ReportLent or ReportNotLent)           => No(Fault.StaleReport),

        (_, ReportImageWork c) when c.Work != s.StepWork()       => No(Fault.StaleReport),
        // What became of it is not known: it is said again, under another number.
        (_, ReportImageWork { Lost: true } c)                    => Accept(new StepRepeated(c.At)),
        (MoveStep.Copying, ReportImageWork c)                    => Over(s, c.Ok ? new MoveDone(c.At) : new MoveFailed(c.Message, c.At)),
        (MoveStep.Mirroring, ReportImageWork c)                  => Accept(c.Ok ? new SwitchBegun(c.At) : new MoveTurnedBack(c.Message, c.At)),
        (MoveStep.Switching, ReportImageWork { Ok: true } c)     => Over(s, new MoveDone(c.At)),
        (MoveStep.Switching, ReportImageWork c)                  => Accept(new MoveTurnedBack(c.Message, c.At)),
        // Whatever it answers: that it writes the old image was certain before it was asked, and a refusal is no word of another.
        (MoveStep.TurningBack, ReportImageWork c)                => Over(s, new MoveFailed(s.Why, c.At)),
        (_, ReportImageWork)                                     => No(Fault.StaleReport),

        (_, AskWhetherLent c)                                    => c.Work == s.Work ? Done : Answer(c),
        // A late copy: of a start that is under way it may well be, and the image is where it was; of any other, its time is over.
        (_, Attach c) when s.Core.Recent.Contains(c.Origin.Job)  => s.Step == MoveStep.Asking ? Done : No(Fault.StaleReport),
        (_, Attach c) when !c.Starts || !s.Core.Vms.Contains(c.Vm) || s.Step == MoveStep.Copying => No(Fault.DiskLocked),
        // To start is what a VM asks for: the move gives way, and what its guest has written is where the journal says.
        (_, Attach c)                                            => Over(s, Ended(s, c.Origin.At, c.Origin.Job)),
        (_, Detach c)                                            => s.Core.Vms.Contains(c.Vm) ? Accept(new Detached(c.Origin, c.Vm)) : Done,
        _                                                        => No(Fault.DiskLocked),
    };

    /// <summary>The guest that was lent its image is no more where it was.</summary>
    private static DiskEvent Ended(Moving s, DateTimeOffset at, JobId? by = null) => s.Step switch
    {
        MoveStep.Switching   => new MoveDone(at) { By = by },
        MoveStep.TurningBack => new MoveFailed(s.Why, at) { By = by },
        MoveStep.Asking      => new MoveFailed("its VM was started meanwhile", at) { By = by },
        _                    => new MoveFailed("its guest ended meanwhile", at) { By = by },
    };

    internal static DiskState Evolve(DiskState disk, DiskEvent fact) => (disk, fact) switch
    {
        (_, MoveRequested e)        => new Moving(
                                           disk.Core with
                                           {
                                               Recent = disk.Core.Recent.Add(e.Origin.Job),
                                               Job = new Job(e.Origin.Job, $"Moving disk {disk.Config.Name}", e.Origin),
                                           },
                                           e.Origin.Job.Value, e.Host, e.To, MoveStep.Asking),
        (Moving s, CopyBegun)       => s with { Step = MoveStep.Copying },
        (Moving s, MirrorBegun e)   => s with { Step = MoveStep.Mirroring, Guest = e.Guest },
        // The point of no return: from here on the new image is the disk's.
        (Moving s, SwitchBegun)     => s with { Core = At(s.Core, s.To), To = Place(s.Core), Step = MoveStep.Switching, Attempt = 0 },
        // The guest runs on, and writes the old image alone.
        (Moving { Step: MoveStep.Switching } s, MoveTurnedBack e)
                                    => s with { Core = At(s.Core, s.To), To = Place(s.Core), Step = MoveStep.TurningBack, Attempt = 0, Why = e.Reason },
        (Moving s, MoveTurnedBack e) => s with { Step = MoveStep.TurningBack, Attempt = 0, Why = e.Reason },
        (Moving s, StepRepeated)    => s with { Attempt = s.Attempt + 1 },
        (Moving { Step: MoveStep.Switching } s, MoveDone e) => new Ok(Left(s, s.Core, s.To.Path, e.By)),
        (Moving s, MoveDone e)      => new Ok(Left(s, At(s.Core, s.To), s.Core.Path, e.By)),
        (Moving s, MoveFailed e)    => new Ok(Left(s, s.Core, s.Step == MoveStep.Asking ? null : s.To.Path, e.By)),
        (_, LeftoverDeleted e)      => disk with { Core = disk.Core with { Leftovers = disk.Core.Leftovers.RemoveAll(l => l.Path == e.Path) } },
        _                           => disk,
    };

    internal static ImmutableArray<DiskEffect> Outstanding(Moving s) => s switch
    {
        { Step: MoveStep.Asking }                  => [AskForLoan(s.Core, s.Work)],
        { Step: MoveStep.Copying }                 => [new DiskEffect.CopyImage(s.Host, s.StepWork())],
        { Guest: { } guest }                       => [new DiskEffect.MoveUnderGuest(guest, s.StepWork(), s.Step), AskForLoan(s.Core, s.Work)],
        _                                          => [],
    };

    /// <summary>Of a VM that thinks its image is lent for a work which is over.</summary>
    internal static Decision Answer(AskWhetherLent c) => new Decision.Relay(new DiskEffect.GiveBack(c.Vm, c.Work));

    /// <summary>Each step, and each time that it is said again because nobody knows what became of it, has a number of its own.</summary>
    public static Guid StepWork(this Moving s) => s is { Step: MoveStep.Copying or MoveStep.Mirroring, Attempt: 0 }
        ? s.Work
        : WorkId.Of($"{s.Work} {s.Step} {s.Attempt}");

    private static DiskCore At(DiskCore core, DiskPlace place) => core with
    {
        Config = core.Config is { } config ? config with { StorageDomain = place.Domain } : null, Path = place.Path,
    };

    private static DiskPlace Place(DiskCore core) => new(core.Config?.StorageDomain ?? default, core.Path);

    private static DiskCore Left(Moving s, DiskCore core, string? path, JobId? by) => core with
    {
        Job = null,
        Leftovers = path is null ? core.Leftovers : core.Leftovers.Add(new Leftover(path, s.Guest?.Host ?? s.Host)),
        Recent = by is { } job ? core.Recent.Add(job) : core.Recent,
    };

    private static Decision Over(Moving s, DiskEvent last) => DiskDecider.Over(last, s.Guest, s.Work);
}
