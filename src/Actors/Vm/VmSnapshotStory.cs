using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Vm.VmEvent;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>A snapshot as clients see it.</summary>
/// <param name="Status">ok, locked or in_preview.</param>
/// <param name="Broken">Its removal has begun and did not finish: it can only be removed.</param>
public sealed record VmSnapshotView(Guid Id, string Description, DateTimeOffset At, VmConfig Config, ImmutableArray<DiskId> Disks, string Status, bool Broken);

/// <summary>What the facts of a VM's snapshots look like from outside.</summary>
internal static class VmSnapshotStory
{
    public static ImmutableArray<VmSnapshotView> Views(VmCore core) =>
    [
        .. core.Snapshots.Select(s => new VmSnapshotView(
            s.Id, s.Description, s.At, s.Config, s.Disks,
            core.Snapshotting?.Snapshot == s.Id ? "locked" : core.Preview?.Snapshot == s.Id ? "in_preview" : "ok", s.Broken)),
    ];

    public static bool IsOne(VmEvent fact) => fact
        is SnapshotRequested or SnapshotDiskDone or SnapshotSwitched or SnapshotStepRepeated or SnapshotLayerStays or SnapshotFailed or SnapshotDone;

    public static (int Code, Severity Severity, DateTimeOffset At, string Text, Origin? By)? Line(VmCore before, VmEvent fact, VmCore after, string vm)
    {
        var task = before.Snapshotting;
        var name = before.Snapshots.FirstOrDefault(s => s.Id == task?.Snapshot)?.Description ?? "";
        return fact switch
        {
            SnapshotRequested e => (Began(e.What), Severity.Normal, e.Origin.At, (e.What, e.Restores) switch
            {
                (SnapshotOrder.Take, _)        => $"Snapshot '{e.Description}' creation for VM '{vm}' was initiated by {e.Origin.User}.",
                (SnapshotOrder.Remove, _)      => $"Snapshot '{e.Description}' deletion for VM '{vm}' was initiated by {e.Origin.User}.",
                (SnapshotOrder.Preview, true)  => $"VM '{vm}' is restored from snapshot '{e.Description}' by {e.Origin.User}.",
                (SnapshotOrder.Preview, _)     => $"Snapshot '{e.Description}' preview for VM '{vm}' was initiated by {e.Origin.User}.",
                (SnapshotOrder.Undo, _)        => $"Undoing the preview of snapshot '{e.Description}' for VM '{vm}' was initiated by {e.Origin.User}.",
                _                              => $"Committing snapshot '{e.Description}' for VM '{vm}' was initiated by {e.Origin.User}.",
            }, e.Origin),
            SnapshotSwitched { Warning: { Length: > 0 } warning } e => (10774, Severity.Warning, e.At,
                $"Snapshot '{name}' of VM '{vm}' may be inconsistent: {warning}.", null),
            SnapshotFailed e when task is { What: SnapshotOrder.Remove } => (357, Severity.Error, e.At,
                $"Failed to delete snapshot '{name}' for VM '{vm}': {e.Reason}. Its state is no more; remove it again.", null),
            SnapshotFailed e when task is { What: SnapshotOrder.Preview } => (99, Severity.Error, e.At,
                $"Failed to preview snapshot '{name}' for VM '{vm}': {e.Reason}. The VM is as it was.", null),
            SnapshotFailed e => (69, Severity.Error, e.At, $"Failed to complete snapshot '{name}' creation for VM '{vm}': {e.Reason}.", null),
            SnapshotDone e when task is { Keep: true } && after.Snapshotting is null => (Finished(task.What), Severity.Normal, e.At, task.What switch
            {
                SnapshotOrder.Take    => $"Snapshot '{name}' creation for VM '{vm}' has been completed.",
                SnapshotOrder.Remove  => $"Snapshot '{name}' deletion for VM '{vm}' has been completed.",
                SnapshotOrder.Preview => $"Preview of snapshot '{name}' for VM '{vm}' has been completed.",
                SnapshotOrder.Undo    => $"VM '{vm}' is again what it was before the preview of snapshot '{name}'.",
                _                     => $"VM '{vm}' restored from snapshot '{name}'; what was taken after it is given up.",
            }, null),
            _ => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(VmCore before, VmEvent fact, VmCore after) => Journal.Jobs.Change(
        before.Snapshotting?.Job, after.Snapshotting?.Job, Kinds.Vm, after.Id.Value,
        fact is SnapshotFailed || before.Snapshotting is { Keep: false } ? Outcome.Failed : Outcome.Finished,
        fact switch
        {
            SnapshotRequested e => e.Origin.At,
            SnapshotFailed e    => e.At,
            SnapshotDone e      => e.At,
            _                   => default,
        });

    private static int Began(SnapshotOrder what) => what switch
    {
        SnapshotOrder.Take => 45, SnapshotOrder.Remove => 342, SnapshotOrder.Preview => 46, SnapshotOrder.Undo => 47, _ => 94,
    };

    private static int Finished(SnapshotOrder what) => what switch
    {
        SnapshotOrder.Take => 68, SnapshotOrder.Remove => 356, SnapshotOrder.Preview => 71, SnapshotOrder.Undo => 100, _ => 95,
    };
}
