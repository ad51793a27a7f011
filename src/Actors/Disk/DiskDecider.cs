using System.Collections.Immutable;
using static Orchestrator.Actors.Disk.DiskCommand;
using static Orchestrator.Actors.Disk.DiskEvent;
using static Orchestrator.Actors.Disk.DiskState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Disk.DiskEvent, Orchestrator.Actors.Disk.DiskEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>The rules of a disk's life. Pure. A disk that is not shareable has one VM at most.</summary>
public static class DiskDecider
{
    public static DiskState Initial(DiskId id) => new Absent(new DiskCore(id));

    public static Decision Decide(DiskState disk, DiskCommand command) => (disk, command) switch
    {
        (_, _) when AskedBefore(disk, command)     => Done,

        (Absent, Create c)                         => c.Config.ProvisionedSize <= 0
            ? new Decision.Refuse(Fault.InvalidValue, "provisioned_size")
            : c.Config is { Shareable: true, Format: not "raw" } ? No(Fault.DiskFormatNotShareable)
            : Accept(new Created(c.Origin, c.Config, c.Path, c.Host, c.Source, c.SourceFormat)),
        (_, Create)                                => No(Fault.AlreadyExists),
        (Absent, _)                                => No(Fault.NotFound),
        (Gone, Remove or Detach)                   => Done,
        (_, ReportLeftoverDeleted c)               => disk.Core.Leftovers.Any(l => l.Path == c.Path) ? Accept(new LeftoverDeleted(c.Path, c.At)) : Done,
        (Gone, AskWhetherLent c)                   => DiskMove.Answer(c),
        (Gone, _)                                  => No(Fault.Removed),

        (Creating s, ReportImageWork c)            => c.Work != s.Work ? No(Fault.StaleReport)
            : c.Ok ? Accept(new ImageMade(c.At) { ActualSize = c.ActualSize })
            : Accept(new ImageFailed(c.Message, c.At)),
        (Removing s, ReportImageWork c)            => c.Work != s.Work ? No(Fault.StaleReport)
            : c.Ok ? Accept(new Removed(c.At))
            : Accept(new ImageFailed(c.Message, c.At)),
        (_, ReportCopied c)                        => DiskReading.End(disk, c),
        (_, BeginCopy c)                           => DiskReading.Begin(disk, c),
        (not Transferring, OrderTransfer or ReportTicket or ReportNoTicket or ReportTransferHostAway) => DiskTransfer.Over(command),
        (Moving s, not (Create or Move or Grow or Rewrite or BeginTransfer or AddLayer or DropSnapshot or EndLayer or EndPreview)) => DiskMove.Decide(s, command),
        (Growing s, not (Create or Move or Grow or Rewrite or BeginTransfer or AddLayer or DropSnapshot or EndLayer or EndPreview)) => DiskGrowth.Decide(s, command),
        (Transferring s, not (Create or Move or Grow or Rewrite or BeginTransfer or AddLayer or DropSnapshot or EndLayer or EndPreview)) => DiskTransfer.Decide(s, command),
        (Rewriting s, not (Create or Move or Grow or Rewrite or BeginTransfer or AddLayer or DropSnapshot or EndLayer or EndPreview)) => DiskRewrite.Decide(s, command),
        (Layering s, not (Create or Move or Grow or Rewrite or BeginTransfer or AddLayer or DropSnapshot or EndPreview)) => DiskLayers.Decide(s, command),
        (Merging s, not (Create or Move or Grow or Rewrite or BeginTransfer or AddLayer or DropSnapshot or EndPreview)) => DiskMerge.Decide(s, command),
        (_, AddLayer c)                            => DiskLayers.Begin(disk, c),
        (_, EndLayer c)                            => DiskLayers.Ended(disk, c),
        (_, EndPreview c)                          => DiskLayers.End(disk, c),
        // Its VM asks again.
        (Ok { Core.Readers.IsEmpty: false }, DropSnapshot) => No(Fault.DiskLocked),
        (_, DropSnapshot c)                        => DiskMerge.Begin(disk, c),
        (_, ReportImageWork or ReportIdle or ReportLent or ReportNotLent) => No(Fault.StaleReport),
        (_, AskWhetherLent c)                      => DiskMove.Answer(c),
        (_, Move c)                                => DiskMove.Begin(disk, c),
        (_, Grow or BeginTransfer { Transfer.Direction: TransferDirection.Upload }) when DiskReading.IsStill(disk) => No(Fault.DiskLocked),
        (_, Grow c)                                => DiskGrowth.Begin(disk, c),
        (_, Rewrite c)                             => DiskRewrite.Begin(disk, c),
        (_, BeginTransfer c)                       => DiskTransfer.Begin(disk, c),

        (Creating or Removing, Update or Remove)   => No(Fault.DiskLocked),
        (_, Update { Patch.Shareable: false }) when disk.Core.Vms.Length > 1 => No(Fault.DiskShared),
        // A cow image has tables in it, which each of two writers would keep for itself.
        (_, Update { Patch.Shareable: true }) when disk.Config is { Shareable: false, Format: not "raw" } =>
            No(Fault.DiskFormatNotShareable),
        (_, Update { Patch.Shareable: true }) when !disk.Core.Below.IsEmpty => No(Fault.DiskHasSnapshots),
        (_, Update c)                              => Accept(new Redefined(c.Origin, c.Patch.Apply(disk.Config))),

        (Ok or Creating, Attach c)                 => disk.Core.Vms.Contains(c.Vm) ? Done
            // A late copy: the VM gave the disk back since. It must not get it again, nor believe that it has it.
            : disk.Core.Recent.Contains(c.Origin.Job) ? No(Fault.StaleReport)
            : !disk.Core.Vms.IsEmpty && !disk.Config.Shareable ? No(Fault.DiskInUse)
            : Accept(new Attached(c.Origin, c.Vm)),
        (Illegal, Attach)                          => No(Fault.DiskIllegal),
        (Removing, Attach)                         => No(Fault.DiskLocked),
        (_, Detach c)                              => disk.Core.Vms.Contains(c.Vm)
            ? Accept(new Detached(c.Origin, c.Vm))
            : Done,

        (_, Remove) when !disk.Core.Vms.IsEmpty    => No(Fault.DiskInUse),
        (_, Remove c)                              => Accept(new RemovalRequested(c.Origin, c.Host)),

        _                                          => No(Fault.DiskLocked),
    };

    /// <summary>Replays one fact. Total.</summary>
    public static DiskState Evolve(DiskState disk, DiskEvent fact)
    {
        var core = disk.Core;
        return fact switch
        {
            Created e          => new Creating(
                Asked(core, e.Origin) with
                {
                    Config = e.Config, Path = e.Path, CreatedAt = e.Origin.At,
                    Job = new Job(e.Origin.Job, $"Adding disk {e.Config.Name}", e.Origin),
                },
                e.Host, e.Origin.Job.Value, e.Source, e.SourceFormat),
            Redefined e        => disk with { Core = Asked(core, e.Origin) with { Config = e.Config } },
            ImageMade e        => new Ok(core with { Job = null, ActualSize = e.ActualSize }),
            ReadingBegun or ReadingEnded => DiskReading.Evolve(disk, fact),
            ImageFailed e      => new Illegal(core with { Job = null }, e.Reason),
            Attached e         => disk with { Core = Asked(core, e.Origin) with { Vms = core.Vms.Add(e.Vm) } },
            Detached e         => disk with { Core = Asked(core, e.Origin) with { Vms = core.Vms.Remove(e.Vm) } },
            RemovalRequested e => new Removing(
                DiskLayers.Left(Asked(core, e.Origin), e.Host, [.. OfSnapshots(core)]) with
                {
                    Below = [], Preview = null,
                    Job = new Job(e.Origin.Job, $"Removing disk {disk.Config.Name}", e.Origin),
                },
                e.Host, e.Origin.Job.Value),
            Removed            => new Gone(core with { Job = null }),
            _ when disk is Transferring || fact is TransferRequested => DiskTransfer.Evolve(disk, fact),
            GrowthRequested or GrowthBegun or GrowthHeldUp or Grown or GrowthFailed => DiskGrowth.Evolve(disk, fact),
            StepRepeated when disk is Growing => DiskGrowth.Evolve(disk, fact),
            RewriteRequested or RewriteBegun or Rewritten or RewriteFailed => DiskRewrite.Evolve(disk, fact),
            StepRepeated when disk is Rewriting => DiskRewrite.Evolve(disk, fact),
            LayerRequested or LayerMade or LayerKept or LayerDropped or PreviewEnded => DiskLayers.Evolve(disk, fact),
            StepRepeated when disk is Layering => DiskLayers.Evolve(disk, fact),
            MergeRequested or MergeBegun or MergeHeldUp or LayerMerged or MergeDone or MergeFailed => DiskMerge.Evolve(disk, fact),
            StepRepeated when disk is Merging => DiskMerge.Evolve(disk, fact),
            _                  => DiskMove.Evolve(disk, fact),
        };
    }

    /// <summary>What must be asked of the world in this state; the same after a crash.</summary>
    public static ImmutableArray<DiskEffect> Outstanding(DiskState disk) => disk.Core.Readers.IsEmpty
        ? [.. OfPhase(disk), .. disk.Core.Leftovers.Select(image => new DiskEffect.DeleteLeftover(image))]
        // What is copied is not deleted under it.
        : [.. disk is Removing ? [] : OfPhase(disk), .. disk.Core.Readers.Select(reader => new DiskEffect.AwaitCopy(reader.Copy))];

    private static ImmutableArray<DiskEffect> OfPhase(DiskState disk) => disk switch
    {
        Moving s   => DiskMove.Outstanding(s),
        Transferring s => DiskTransfer.Outstanding(s),
        Growing s  => DiskGrowth.Outstanding(s),
        Rewriting s => DiskRewrite.Outstanding(s),
        Layering s => DiskLayers.Outstanding(s),
        Merging s  => DiskMerge.Outstanding(s),
        Creating s => [new DiskEffect.MakeImage(s.Host, s.Work)],
        Removing s => [new DiskEffect.DeleteImage(s.Host, s.Work)],
        _          => [],
    };

    internal static Decision Accept(params ImmutableArray<DiskEvent> facts) => new Decision.Accept(facts);

    internal static Decision No(Fault fault) => new Decision.Refuse(fault);

    internal static Decision Done { get; } = new Decision.AlreadyDone();

    /// <summary>The last fact of work on the disk: its guest may do again what it could not while its image was lent.</summary>
    internal static Decision Over(DiskEvent last, GuestCopy? guest, Guid work) => new Decision.Accept([last])
    {
        Then = guest is null ? [] : [new DiskEffect.GiveBack(guest.Vm, work)],
    };

    internal static DiskEffect AskForLoan(DiskCore core, Guid work) => new DiskEffect.AskForLoan(core.Vms.IsEmpty ? null : core.Vms[0], work);

    /// <summary>All images but the one that the disk has now.</summary>
    private static IEnumerable<string> OfSnapshots(DiskCore core) =>
        core.Below.Select(l => l.Path).Concat(core.Preview is { } preview ? preview.Below.Select(l => l.Path).Append(preview.Path) : []).Distinct();

    private static DiskCore Asked(DiskCore core, Origin origin) => core with { Recent = core.Recent.Add(origin.Job) };

    /// <summary>Not of Attach: its sender relies on the VM having the disk now.</summary>
    private static bool AskedBefore(DiskState disk, DiskCommand command) =>
        OriginOf(command) is { } origin && disk is not Absent && disk.Core.Recent.Contains(origin.Job);

    private static Origin? OriginOf(DiskCommand command) => command switch
    {
        Create c => c.Origin,
        Update c => c.Origin,
        Remove c => c.Origin,
        Move c   => c.Origin,
        Grow c   => c.Origin,
        Rewrite c => c.Origin,
        BeginCopy c => c.Origin,
        Detach c => c.Origin,
        BeginTransfer c => c.Origin,
        OrderTransfer c => c.Origin,
        _        => null,
    };

    extension(DiskState disk)
    {
        internal DiskConfig Config => disk.Core.Config ?? _nothing;
    }

    private static readonly DiskConfig _nothing = new() { Name = "", StorageDomain = default, ProvisionedSize = 0 };
}
