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
/// The rules by which a disk is made bigger, also under a guest that runs. Pure. Whoever has it is asked whether its guest runs:
/// if so, the guest's host does it, so that the guest hears of it; if not, any host. Done twice it is as if done once, so a step
/// of which nobody knows what became is said again. A start is not held up: once it runs, its guest's host goes on.
/// </summary>
public static class DiskGrowth
{
    /// <summary>Images are counted in sectors.</summary>
    private const long Sector = 512;

    internal static Decision Begin(DiskState disk, Grow c) => disk switch
    {
        Ok when c.Size < disk.Config.ProvisionedSize => No(Fault.DiskTooSmall),
        Ok when Whole(c.Size) <= disk.Config.ProvisionedSize => Done,
        Ok when c.Size > long.MaxValue - Sector      => new Decision.Refuse(Fault.InvalidValue, "provisioned_size"),
        Ok when disk.Core.Preview is not null        => No(Fault.DiskInPreview),
        // Only one guest would hear of it.
        Ok when disk.Core.Vms.Length > 1             => No(Fault.DiskShared),
        Ok                                           => Accept(new GrowthRequested(c.Origin, Whole(c.Size), c.Host)),
        Illegal                                      => No(Fault.DiskIllegal),
        _                                            => No(Fault.DiskLocked),
    };

    internal static Decision Decide(Growing s, DiskCommand command) => (s.Step, command) switch
    {
        (GrowthStep.Asking, ReportIdle c) when c.Work == s.LoanWork()    => Accept(new GrowthBegun(null, c.At)),
        (GrowthStep.Asking, ReportLent c) when c.Work == s.LoanWork()    => Accept(new GrowthBegun(c.Guest, c.At)),
        (GrowthStep.Asking, ReportNotLent c) when c.Work == s.LoanWork() => Over(s, new GrowthFailed(c.Why, c.At)),
        (GrowthStep.UnderGuest, ReportLent c) when c.Work == s.LoanWork() && c.Guest == s.Guest => Done,
        // Its guest is no more where it was.
        (GrowthStep.UnderGuest, ReportLent c) when c.Work == s.LoanWork() => Accept(new GrowthBegun(c.Guest, c.At)),
        (GrowthStep.UnderGuest, ReportIdle c) when c.Work == s.LoanWork() => Accept(new GrowthBegun(null, c.At)),
        (_, ReportIdle or ReportLent or ReportNotLent)             => No(Fault.StaleReport),

        (_, ReportImageWork c) when c.Work != s.StepWork()         => No(Fault.StaleReport),
        (GrowthStep.Asking, ReportImageWork)                       => No(Fault.StaleReport),
        (_, ReportImageWork { Lost: true } c)                      => Accept(new StepRepeated(c.At)),
        (_, ReportImageWork c)                                     => Over(s, c.Ok ? new Grown(c.At) : new GrowthFailed(c.Message, c.At)),

        (_, AskWhetherLent c)                                      => c.Work == s.LoanWork() ? Done : DiskMove.Answer(c),
        // A late copy: of a start that is under way it may well be; of any other, its time is over.
        (_, Attach c) when s.Core.Recent.Contains(c.Origin.Job)    => s.Step == GrowthStep.Asking ? Done : No(Fault.StaleReport),
        (_, Attach c) when !c.Starts || !s.Core.Vms.Contains(c.Vm) || s.Step == GrowthStep.Alone => No(Fault.DiskLocked),
        // Its guest of before is dead, and the new one will be told.
        (_, Attach c)                                              => Over(s, new GrowthHeldUp(c.Origin.Job, c.Origin.At)),
        (_, Detach c)                                              => s.Core.Vms.Contains(c.Vm) ? Accept(new Detached(c.Origin, c.Vm)) : Done,
        _                                                          => No(Fault.DiskLocked),
    };

    internal static DiskState Evolve(DiskState disk, DiskEvent fact) => (disk, fact) switch
    {
        (_, GrowthRequested e)        => new Growing(
                                             disk.Core with
                                             {
                                                 Recent = disk.Core.Recent.Add(e.Origin.Job),
                                                 Job = new Job(e.Origin.Job, $"Extending disk {disk.Config.Name}", e.Origin),
                                             },
                                             e.Origin.Job.Value, e.Host, e.Size, GrowthStep.Asking),
        (Growing s, GrowthBegun e)    => s with { Step = e.Guest is null ? GrowthStep.Alone : GrowthStep.UnderGuest, Guest = e.Guest, Attempt = s.Attempt + 1, Lost = 0 },
        (Growing s, StepRepeated)     => s with { Attempt = s.Attempt + 1, Lost = s.Lost + 1 },
        (Growing s, GrowthHeldUp e)   => s with { Step = GrowthStep.Asking, Guest = null, Round = s.Round + 1, Core = s.Core with { Recent = s.Core.Recent.Add(e.By) } },
        (Growing s, Grown)            => new Ok(s.Core with { Job = null, Config = s.Config with { ProvisionedSize = s.Size } }),
        (Growing s, GrowthFailed)     => new Ok(s.Core with { Job = null }),
        _                             => disk,
    };

    internal static ImmutableArray<DiskEffect> Outstanding(Growing s) => s switch
    {
        { Step: GrowthStep.Alone } => [new DiskEffect.GrowImage(s.Host, s.StepWork())],
        { Guest: { } guest }       => [new DiskEffect.GrowUnderGuest(guest, s.StepWork()), AskForLoan(s.Core, s.LoanWork())],
        _                          => [AskForLoan(s.Core, s.LoanWork())],
    };

    /// <summary>Each time that a step is said again because nobody knows what became of it, it has a number of its own.</summary>
    public static Guid StepWork(this Growing s) => WorkId.Of($"{s.Work} {s.Step} {s.Attempt}");

    /// <summary>What was answered before a start says nothing of who has it open after it.</summary>
    public static Guid LoanWork(this Growing s) => s.Round == 0 ? s.Work : WorkId.Of($"{s.Work} loan {s.Round}");

    private static long Whole(long size) => (size + Sector - 1) / Sector * Sector;

    private static Decision Over(Growing s, DiskEvent last) => DiskDecider.Over(last, s.Guest, s.LoanWork());
}
