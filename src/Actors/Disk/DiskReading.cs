using static Orchestrator.Actors.Disk.DiskCommand;
using static Orchestrator.Actors.Disk.DiskDecider;
using static Orchestrator.Actors.Disk.DiskEvent;
using static Orchestrator.Actors.Disk.DiskState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Disk.DiskEvent, Orchestrator.Actors.Disk.DiskEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>
/// The rules by which another disk is made from this one, or from a snapshot of it. Pure. As long as the copy is being made, no
/// image of this disk is deleted or takes in another, and while it is copied as it is now, no client writes it and no VM is started
/// with it. A guest that runs after all holds the image's own lock, on which the copy fails. The disk looks at its copies until they
/// are made: no copy need remember it.
/// </summary>
internal static class DiskReading
{
    /// <summary>A copy that was never made, because its maker was refused or died.</summary>
    private static readonly TimeSpan _begunWithin = TimeSpan.FromMinutes(1);

    public static Decision Begin(DiskState disk, BeginCopy c) => disk switch
    {
        _ when disk.Core.Readers.Any(r => r.Copy == c.Copy) => Done,
        Illegal                                       => No(Fault.DiskIllegal),
        not Ok                                        => No(Fault.DiskLocked),
        _ when c.Snapshot is { } snapshot && disk.Core.Below.All(l => l.Snapshot != snapshot) => No(Fault.VmSnapshotUnknown),
        _                                             => Accept(new ReadingBegun(c.Origin, c.Copy, c.Snapshot)),
    };

    public static Decision End(DiskState disk, ReportCopied c) =>
        disk.Core.Readers.FirstOrDefault(r => r.Copy == c.Copy) is not { } reader ? Done
        : c.Seen || c.At - reader.At > _begunWithin ? Accept(new ReadingEnded(c.Copy, c.At))
        : No(Fault.StaleReport);

    public static DiskState Evolve(DiskState disk, DiskEvent fact) => fact switch
    {
        ReadingBegun e => disk with
        {
            Core = disk.Core with
            {
                Readers = disk.Core.Readers.Add(new DiskReader(e.Copy, e.Snapshot, e.Origin.At)),
                Recent = disk.Core.Recent.Add(e.Origin.Job),
            },
        },
        ReadingEnded e => disk with { Core = disk.Core with { Readers = disk.Core.Readers.RemoveAll(r => r.Copy == e.Copy) } },
        _              => disk,
    };

    /// <summary>It is copied as it is now: what is written to it might be half in the copy.</summary>
    public static bool IsStill(DiskState disk) => disk is Ok && disk.Core.Readers.Any(r => r.Snapshot is null);

    /// <summary>Who starts with it now is refused.</summary>
    public static bool KeepsFromStarting(DiskState disk) => disk switch
    {
        Creating or Illegal or Removing or Transferring => true,
        Moving { Step: MoveStep.Copying } or Growing { Step: GrowthStep.Alone } or Merging { Step: MergeStep.Alone } => true,
        Rewriting { Step: RewriteStep.Writing } or Layering { Preview: true } => true,
        _ => IsStill(disk),
    };
}
