using System.Collections.Immutable;
using Orchestrator.Actors.Disk;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmDecider;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>
/// A VM's snapshots. Pure. The VM speaks for all its disks at once: they make their images, it decides, they follow.
/// <list type="number">
/// <item>A guest goes on in the new images of all its disks at one moment, and only when all of them are there.</item>
/// <item>A guest that has ended meanwhile has decided it: what it wrote last is in the snapshot.</item>
/// <item>While work is under way the guest is not moved, suspended, or given another machine: its disks' images and those that
/// the journal names differ for a moment.</item>
/// </list>
/// </summary>
internal static class VmSnapshots
{
    public static Decision BeginTaking(VmState vm, TakeSnapshot c) =>
        Prevented(vm)
        ?? (c.Disks.Any(d => vm.Config.Disks.All(a => a.Disk != d.Disk)) ? No(Fault.VmDiskNotAttached) : null)
        ?? vm switch
        {
            Down                                                  => Begin(vm, Requested(c.Origin, SnapshotOrder.Take, c.Origin.Job.Value, c.Description, c.Disks)),
            Orphaned                                              => No(Fault.VmHostUnknown),
            not (Up or Paused) or { Core.Action: not null }       => No(Fault.VmStatusIllegal),
            { Core.Reshape: not null }                            => No(Fault.VmBeingChanged),
            { Core.Lent.IsEmpty: false }                          => No(Fault.DiskLocked),
            _ when (vm.Core.Running ?? vm.Config).Stateless       => No(Fault.VmStatelessSnapshot),
            _                                                     => Begin(vm, Requested(c.Origin, SnapshotOrder.Take, c.Origin.Job.Value, c.Description, c.Disks)),
        };

    public static Decision BeginRemoval(VmState vm, RemoveSnapshot c) =>
        Prevented(vm) ?? (Find(vm, c.Snapshot), vm) switch
        {
            (null, _)                            => No(Fault.VmSnapshotUnknown),
            (_, Orphaned)                        => No(Fault.VmHostUnknown),
            (_, not (Down or Up or Paused or PoweringUp)) => No(Fault.VmStatusIllegal),
            ({ } snapshot, _)                    => Begin(vm, Requested(
                                                        c.Origin, SnapshotOrder.Remove, snapshot.Id, snapshot.Description,
                                                        [.. Attached(vm, snapshot.Disks).Select(d => new SnapshotDisk(d, c.Host, ""))])),
        };

    public static Decision BeginPreview(VmState vm, PreviewSnapshot c) =>
        Prevented(vm) ?? (Find(vm, c.Snapshot), vm) switch
        {
            (null, _)                            => No(Fault.VmSnapshotUnknown),
            (_, not Down)                        => No(Fault.VmMustBeDown),
            ({ Broken: true }, _)                => No(Fault.VmSnapshotBroken),
            ({ } snapshot, _)                    => Begin(vm, Requested(
                                                        c.Origin, SnapshotOrder.Preview, snapshot.Id, snapshot.Description,
                                                        [.. c.Disks.Where(d => Attached(vm, snapshot.Disks).Contains(d.Disk))]) with { Restores = c.Restores }),
        };

    public static Decision EndPreview(VmState vm, Origin origin, SnapshotOrder what) => vm switch
    {
        { Core.Snapshotting: not null }          => No(Fault.VmSnapshotBusy),
        { Core.Preview: null }                   => No(Fault.VmNotInPreview),
        not Down                                 => No(Fault.VmMustBeDown),
        { Core.Preview: { } seen }               => Begin(vm, Requested(
                                                        origin, what, seen.Snapshot, Find(vm, seen.Snapshot)?.Description ?? "",
                                                        [.. Attached(vm, seen.Disks).Select(d => new SnapshotDisk(d, default, ""))])),
        _                                        => No(Fault.VmNotInPreview),
    };

    /// <summary>What cannot be asked of a VM while a snapshot is worked on, or looked at; null: it can.</summary>
    public static Decision? Prevents(VmState vm, VmCommand command) => (vm.Core, command) switch
    {
        ({ Snapshotting: not null }, Remove or Migrate or Suspend or AttachDisk or UpdateDisk or DetachDisk) => No(Fault.VmSnapshotBusy),
        ({ Snapshotting: not null }, Start) when vm is Down                     => No(Fault.VmSnapshotBusy),
        ({ Preview: not null }, Remove or AttachDisk or DetachDisk)             => No(Fault.VmInPreview),
        (_, DetachDisk c) when vm.Core.Snapshots.Any(s => s.Disks.Contains(c.Disk)) => No(Fault.DiskHasSnapshots),
        _                                                                       => null,
    };

    public static Decision Heard(VmState vm, ReportLayer r)
    {
        if (vm.Core.Snapshotting is not { } task || task.Work != r.Work)
            return r.News is LayerNews.Pending or LayerNews.Ready
                ? new Decision.Relay(new VmEffect.EndLayer(r.Disk, r.Work, vm.Core.Preview?.Work == r.Work || Find(vm, r.Work) is not null))
                : Done;
        var waits = task.Waiting.Contains(r.Disk);
        return (task.Step, r.News) switch
        {
            (SnapshotStep.Layering, LayerNews.Ready)  => waits ? DiskDone(vm, task, r) : Done,
            (SnapshotStep.Layering, LayerNews.Failed) => Fails(task, $"disk {r.Disk}: {r.Why}", r.At),
            (SnapshotStep.Ending, LayerNews.Ready) when task.What is SnapshotOrder.Take or SnapshotOrder.Preview =>
                new Decision.Relay(new VmEffect.EndLayer(r.Disk, r.Work, task.Keep)),
            (SnapshotStep.Ending, LayerNews.Failed) when task.What == SnapshotOrder.Remove => Fails(task, $"disk {r.Disk}: {r.Why}", r.At),
            (SnapshotStep.Ending, LayerNews.Stays)    => waits ? Accept(new SnapshotLayerStays(r.Disk, r.At)) : Done,
            (SnapshotStep.Ending, LayerNews.Ended or LayerNews.Failed) => waits ? DiskDone(vm, task, r) : Done,
            _                                         => Done,
        };
    }

    public static Decision Heard(VmState vm, ReportSnapshotTaken r) => vm.Core.Snapshotting switch
    {
        not { Step: SnapshotStep.Switching }          => No(Fault.StaleReport),
        var task when task.StepWork(SeatOf(vm)) != r.Work => No(Fault.StaleReport),
        _ when r.Lost                                 => Accept(new SnapshotStepRepeated(r.At)),
        { Why: not null }                             => r.Ok ? Accept(new SnapshotSwitched("", r.At), new SnapshotDone(r.At)) : Accept(new SnapshotStepRepeated(r.At)),
        var task when r.Ok                            => task.Disks.IsEmpty
                                                             ? Accept(new SnapshotSwitched(r.Message, r.At), new SnapshotDone(r.At))
                                                             : Accept(new SnapshotSwitched(r.Message, r.At)),
        var task                                      => Fails(task, r.Message, r.At),
    };

    public static VmState Evolve(VmState vm, VmEvent fact)
    {
        var core = vm.Core;
        return vm with
        {
            Core = (fact, core.Snapshotting) switch
            {
                (SnapshotRequested e, _)           => Asked(core, e),
                (SnapshotDiskDone e, { } task)     => core with { Snapshotting = Next(task with { Waiting = task.Waiting.Remove(e.Disk) }) },
                (SnapshotLayerStays e, { } task)   => core with
                {
                    Snapshotting = Next(task with { Waiting = task.Waiting.Remove(e.Disk), Stays = task.Stays.Add(e.Disk) }),
                },
                (SnapshotStepRepeated, { } task)   => core with { Snapshotting = task with { Lost = task.Lost + 1 } },
                (SnapshotSwitched, { } task)       => core with { Snapshotting = task with { Step = SnapshotStep.Ending, Waiting = task.Why is null ? All(task) : [] } },
                (SnapshotFailed, { What: SnapshotOrder.Remove }) => core with { Snapshotting = null },
                (SnapshotFailed e, { } task)       => core with
                {
                    Snapshotting = task with { Step = SnapshotStep.Ending, Keep = false, Why = e.Reason, Waiting = All(task), Lost = 0 },
                },
                (SnapshotDone, { } task)           => Over(core, task),
                _                                  => core,
            },
        };
    }

    public static ImmutableArray<VmEffect> Outstanding(VmState vm) => vm.Core.Snapshotting switch
    {
        null                                                             => [],
        { Step: SnapshotStep.Switching } task when IsSettled(vm)         => [new VmEffect.TakeSnapshot(SeatOf(vm), task.StepWork(SeatOf(vm)), Plugged(vm, task))],
        { Step: SnapshotStep.Switching }                                 => [],
        { Step: SnapshotStep.Layering } task                             =>
            [.. task.Disks.Where(d => task.Waiting.Contains(d.Disk)).Select(d => new VmEffect.AddLayer(d, task.Snapshot, task.What == SnapshotOrder.Preview))],
        { What: SnapshotOrder.Remove } task                              =>
            [.. task.Disks.Where(d => task.Waiting.Contains(d.Disk)).Select(d => new VmEffect.DropSnapshot(d, task.Snapshot))],
        { What: SnapshotOrder.Undo or SnapshotOrder.Commit } task when vm.Core.Preview is { } seen =>
            [.. task.Waiting.Select(d => new VmEffect.EndPreview(d, task.Work, seen.Work, task.What == SnapshotOrder.Commit))],
        var task                                                         => [.. task.Waiting.Select(d => new VmEffect.EndLayer(d, task.Work, task.Keep))],
    };

    /// <summary>What the job of it is called.</summary>
    public static string Title(SnapshotOrder what, string description, string vm) => what switch
    {
        SnapshotOrder.Take    => $"Creating VM snapshot {description} for VM {vm}",
        SnapshotOrder.Remove  => $"Removing snapshot {description} from VM {vm}",
        SnapshotOrder.Preview => $"Preview snapshot {description} of VM {vm}",
        SnapshotOrder.Undo    => $"Undoing the preview of snapshot {description} of VM {vm}",
        _                     => $"Restoring VM {vm} from snapshot {description}",
    };

    private static Decision? Prevented(VmState vm) => vm.Core switch
    {
        { Snapshotting: not null } => No(Fault.VmSnapshotBusy),
        { Preview: not null }      => No(Fault.VmInPreview),
        _                          => null,
    };

    private static SnapshotRequested Requested(Origin origin, SnapshotOrder what, Guid snapshot, string description, ImmutableArray<SnapshotDisk> disks) =>
        new(origin, what, snapshot, description, [.. disks.DistinctBy(d => d.Disk)]);

    /// <summary>A VM without disks has nothing to wait for.</summary>
    private static Decision Begin(VmState vm, SnapshotRequested fact) => (fact.Disks.IsEmpty, fact.What, vm) switch
    {
        (true, SnapshotOrder.Take, not Down) => Accept(fact, new SnapshotSwitched("", fact.Origin.At), new SnapshotDone(fact.Origin.At)),
        (true, SnapshotOrder.Preview, _) when fact.Restores => Accept(fact, new SnapshotDone(fact.Origin.At), new SnapshotDone(fact.Origin.At)),
        (true, _, _)                         => Accept(fact, new SnapshotDone(fact.Origin.At)),
        _                                    => Accept(fact),
    };

    private static Decision DiskDone(VmState vm, SnapshotTask task, ReportLayer r)
    {
        var done = new SnapshotDiskDone(r.Disk, r.At);
        return Evolve(vm, done).Core.Snapshotting is { Step: SnapshotStep.Ending, Waiting.IsEmpty: true } && task.Step == SnapshotStep.Ending
            ? Accept(done, new SnapshotDone(r.At))
            : Accept(done);
    }

    private static Decision Fails(SnapshotTask task, string why, DateTimeOffset at) => Accept(new SnapshotFailed(why, at));

    private static SnapshotTask Next(SnapshotTask task) => task switch
    {
        { Waiting.IsEmpty: false }                                              => task,
        { Step: SnapshotStep.Layering, What: SnapshotOrder.Take }               => task with { Step = SnapshotStep.Switching },
        { Step: SnapshotStep.Layering }                                         => task with { Step = SnapshotStep.Ending, Waiting = All(task) },
        { Step: SnapshotStep.Ending, Stays.IsEmpty: false }                     => task with { Step = SnapshotStep.Switching },
        _                                                                       => task,
    };

    private static VmCore Asked(VmCore core, SnapshotRequested e)
    {
        var name = VmHistory.Name(core);
        var task = new SnapshotTask(
            e.What, new Job(e.Origin.Job, Title(e.What, e.Description, name), e.Origin), e.Snapshot, e.Disks,
            e.What is SnapshotOrder.Take or SnapshotOrder.Preview ? SnapshotStep.Layering : SnapshotStep.Ending, [.. e.Disks.Select(d => d.Disk)])
        {
            Restores = e.Restores,
        };
        core = VmHistory.Asked(core, e.Origin) with { Snapshotting = task };
        return e.What switch
        {
            SnapshotOrder.Take when core.Config is { } config => core with
            {
                Snapshots = core.Snapshots.Add(new VmSnapshot(e.Snapshot, e.Description, e.Origin.At, config, task.Waiting)),
            },
            SnapshotOrder.Remove => core with
            {
                Snapshots = [.. core.Snapshots.Select(s => s.Id == e.Snapshot ? s with { Broken = true } : s)],
            },
            _ => core,
        };
    }

    private static VmCore Over(VmCore core, SnapshotTask task)
    {
        var over = core with { Snapshotting = null };
        return (task.What, task.Keep) switch
        {
            (SnapshotOrder.Take, true)     => over,
            (SnapshotOrder.Take, false) or (SnapshotOrder.Remove, _) => over with { Snapshots = core.Snapshots.RemoveAll(s => s.Id == task.Snapshot) },
            (SnapshotOrder.Preview, false) => over,
            (SnapshotOrder.Preview, _) when core.Config is { } config && core.Snapshots.FirstOrDefault(s => s.Id == task.Snapshot) is { } snapshot => over with
            {
                Config = AsAt(config, snapshot.Config),
                Preview = new VmPreview(task.Work, task.Snapshot, config, All(task)),
                Snapshotting = !task.Restores ? null : task with
                {
                    What = SnapshotOrder.Commit, Step = SnapshotStep.Ending, Waiting = All(task), Work = WorkId.Of($"{task.Work} commit"), Restores = false,
                },
            },
            (SnapshotOrder.Undo, _) when core.Preview is { } seen => over with { Config = seen.Before, Preview = null },
            // What was taken after it is of another past.
            (SnapshotOrder.Commit, _)      => over with
            {
                Preview = null,
                Snapshots = [.. core.Snapshots.TakeWhile(s => s.Id != task.Snapshot), .. core.Snapshots.Where(s => s.Id == task.Snapshot)],
            },
            _                              => over,
        };
    }

    /// <summary>The machine of then under the name of today, with the disks that it has today.</summary>
    private static VmConfig AsAt(VmConfig now, VmConfig then) => then with
    {
        Name = now.Name,
        Cluster = now.Cluster,
        Description = now.Description,
        Comment = now.Comment,
        Template = now.Template,
        DeleteProtected = now.DeleteProtected,
        Disks = now.Disks,
    };

    /// <summary>Whether it is known where the guest is, or that there is none.</summary>
    private static bool IsSettled(VmState vm) => vm is Up or PoweringUp or Paused or Down or Placing or VmState.Suspended;

    private static Seat? SeatOf(VmState vm) => vm is Up or PoweringUp or Paused ? vm.Seat : null;

    /// <summary>Disks that the guest has, and is to go on with in their new images.</summary>
    private static ImmutableArray<SnapshotDisk> Plugged(VmState vm, SnapshotTask task) =>
    [
        .. task.Disks.Where(d => (task.Why is null || task.Stays.Contains(d.Disk))
            && (vm.Core.Running ?? vm.Config).Disks.Any(a => a.Disk == d.Disk && a.Active)),
    ];

    private static ImmutableArray<DiskId> All(SnapshotTask task) => [.. task.Disks.Select(d => d.Disk)];

    private static VmSnapshot? Find(VmState vm, Guid id) => vm.Core.Snapshots.FirstOrDefault(s => s.Id == id);

    private static ImmutableArray<DiskId> Attached(VmState vm, ImmutableArray<DiskId> disks) =>
        [.. disks.Where(d => vm.Config.Disks.Any(a => a.Disk == d))];

}
