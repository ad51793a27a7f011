using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>What a VM's facts look like from outside: its view, its lines in the audit log, its jobs.</summary>
public static class VmStory
{
    public static VmView? View(VmState vm) => vm switch
    {
        Absent or Gone => null,
        _ => new VmView
        {
            Id = vm.Core.Id,
            Config = vm.Config,
            Status = StatusOf(vm),
            StatusDetail = vm switch { Paused p => Detail(p.Reason), Placing p => p.Lacks, Sought s => Unheard(s.Unheard), _ => "" },
            VmState = vm switch { Down or Sought { Then: SoughtPlan.StayDown } => "down", Sought { Then: SoughtPlan.StaySuspended } => "suspended", VmState.Suspended => "suspended", _ => "up" },
            TaskState = TaskOf(vm),
            PowerState = PowerOf(vm),
            Host = vm.Seat?.Host,
            Destination = vm is Migrating m ? m.To.Host : null,
            Migration = vm is Migrating { Progress: { } progress } ? progress : null,
            Lease = vm.Core.Lease.Number,
            HeldLease = vm is Starting ? 0 : vm.Seat?.Lease.Number ?? 0,
            StopReason = vm is Down d ? d.Exit.Message : "",
            Running = vm.Core is { Running: { } running } and ({ HasNextRun: true } or { Once: not null }) ? running.Taking(vm.Config) : null,
            Cdrom = vm.Seat is null ? null : (vm.Core.Running ?? vm.Config).Cdrom,
            NextRunExists = vm.Core.HasNextRun,
            RunOnce = vm.Core.Once is not null,
            CreatedAt = vm.Core.CreatedAt,
            StartedAt = vm.Core.StartedAt,
            StoppedAt = vm.Core.StoppedAt,
            Job = vm.Core.Job?.Id,
            Snapshots = VmSnapshotStory.Views(vm.Core),
            Snapshotting = vm.Core.Snapshotting?.Job.Id,
            Reshape = vm.Core.Reshape?.Job,
            ReshapeFault = vm.Core.ReshapeFault,
            Owes = [.. VmDecider.Outstanding(vm).Select(Owed)],
        },
    };

    public static AuditLine? Line(VmState before, VmEvent fact, VmState after)
    {
        var name = after.Core.Config?.Name ?? before.Core.Config?.Name ?? after.Core.Id.ToString();
        AuditLine? Said(int code, Severity severity, DateTimeOffset at, string text, Origin? by = null, Seat? seat = null)
            => new(code, severity, text, at, (by ?? before.Core.Job?.Origin)?.Correlation, by?.User ?? "system",
                Vm: after.Core.Id.Value, Host: seat?.Host.Value, Cluster: after.Core.Config?.Cluster.Value);

        return fact switch
        {
            Created e => Said(34, Severity.Normal, e.Origin.At, $"VM {name} was created by {e.Origin.User}.", e.Origin),
            Redefined e => Said(35, Severity.Normal, e.Origin.At,
                $"VM {name} configuration was updated by {e.Origin.User}{(e.What == "" ? "" : $" ({e.What})")}.", e.Origin),
            Removed e => Said(113, Severity.Normal, e.Origin.At, $"VM {name} was removed by {e.Origin.User}.", e.Origin),
            StartRequested e when after.Core.ToRun is { StartPaused: true } => Said(179, Severity.Normal, e.Origin.At,
                $"Starting VM {name} in paused mode was initiated by {e.Origin.User}.", e.Origin),
            StartRequested e when after.Core.ToRun is { Stateless: true } => Said(538, Severity.Normal, e.Origin.At,
                $"Starting VM {name} as stateless was initiated by {e.Origin.User}: what it writes is dropped when it ends.",
                e.Origin),
            StartRequested e => Said(150, Severity.Normal, e.Origin.At,
                $"Starting VM {name} was initiated by {e.Origin.User}.", e.Origin),
            RestartQueued e => Said(9602, Severity.Error, e.At,
                $"Highly available VM {name} failed ({e.Reason}). It will be restarted automatically."),
            RestartDelayed e => Said(9603, Severity.Error, e.At,
                $"Highly available VM {name} has no host to restart on: {string.Join("; ", e.Reasons)}. It waits for one."),
            Placed e => Said(506, Severity.Normal, e.At,
                $"VM {name} is being started on host {e.Seat.HostName} under lease {e.Seat.Lease}.", seat: e.Seat),
            PlacementFailed e when after is VmState.Suspended => Said(54, Severity.Error, e.At,
                $"Failed to run VM {name}: {string.Join("; ", e.Reasons)}. It stays suspended."),
            PlacementFailed e => Said(54, Severity.Error, e.At,
                $"Failed to run VM {name}: {string.Join("; ", e.Reasons)}."),
            LaunchFailed e => Said(507, Severity.Error, e.At,
                $"Host {e.Seat.HostName} did not start VM {name}: {e.Reason}. Another host is tried.", seat: e.Seat),
            Launched e => Said(153, Severity.Normal, e.At,
                $"VM {name} was started on host {e.Seat.HostName}.", seat: e.Seat),
            CameUp e when before is Paused { Reason: IoError or NoSpace } => Said(196, Severity.Normal, e.At,
                $"VM {name} has recovered from paused back to up on host {e.Seat.HostName}.", seat: e.Seat),
            CameUp e => Said(32, Severity.Normal, e.At, $"VM {name} is up on host {e.Seat.HostName}.", seat: e.Seat),
            GuestPaused { Reason: IoError } e => Said(145, Severity.Error, e.At,
                $"VM {name} was paused: {e.Reason}. Its storage does not work.", seat: after.Seat),
            GuestPaused { Reason: NoSpace } e => Said(138, Severity.Error, e.At,
                $"VM {name} was paused: {e.Reason}. Its storage is full.", seat: after.Seat),
            WatchdogBarked e => Said(9901, Severity.Warning, e.At,
                $"Watchdog event ({e.Bark.Action}) triggered on VM {name}.", seat: before.Seat),
            GuestPaused e => Said(1025, Severity.Normal, e.At, $"VM {name} was paused: {e.Reason}.", seat: after.Seat),
            StopRequested { Mode: StopMode.PowerOff } e => Said(33, Severity.Normal, e.Origin.At,
                $"VM {name} powered off by {e.Origin.User}.", e.Origin, before.Seat),
            StopRequested e => Said(73, Severity.Normal, e.Origin.At,
                $"VM {name} shutdown initiated by {e.Origin.User}.", e.Origin, before.Seat),
            ActionRequested { What: GuestAction.Reboot } e => Said(157, Severity.Normal, e.Origin.At,
                $"VM {name} reboot initiated by {e.Origin.User}.", e.Origin, before.Seat),
            ActionRequested { What: GuestAction.Reset } e => Said(221, Severity.Normal, e.Origin.At,
                $"VM {name} reset initiated by {e.Origin.User}.", e.Origin, before.Seat),
            ActionRequested e => Said(40, Severity.Normal, e.Origin.At,
                $"VM {name} resumption initiated by {e.Origin.User}.", e.Origin, before.Seat),
            ActionFailed e => Said(9612, Severity.Error, e.At,
                $"VM {name}: {Doing(before.Core.Action?.What)} failed: {e.Reason}.", seat: before.Seat),
            ReshapeRequested => null,
            _ when VmSnapshotStory.IsOne(fact) => VmSnapshotStory.Line(before.Core, fact, after.Core, name) is var (code, severity, at, text, by)
                ? Said(code, severity, at, text, by, before.Seat)
                : null,
            Reshaped e => before.Core.Reshape is { } done && VmReshapeStory.Done(before.Core, done) is var (code, words)
                ? Said(code, Severity.Normal, e.At, $"VM {name}: {words}.", seat: before.Seat)
                : null,
            ReshapeFailed e => before.Core.Reshape is { } asked && VmReshapeStory.Failed(before.Core, asked, e.Definition) is var (code, words)
                ? Said(code, Severity.Error, e.At, $"VM {name}: {words}: {e.Reason}.", seat: before.Seat)
                : null,
            DevicesLeft e => Said(9613, Severity.Warning, e.At,
                $"VM {name}: {VmReshapeStory.Left(before.Core, e.Definition)} has left the guest later than was waited for, and is unplugged now.",
                seat: before.Seat),
            ConsoleUsed e when VmConsoles.Line(e, name) is var (code, severity, words) =>
                Said(code, severity, e.Origin.At, words, e.Origin, before.Seat),
            SuspendRequested e => Said(501, Severity.Normal, e.Origin.At,
                $"Suspending VM {name} was initiated by {e.Origin.User}.", e.Origin, before.Seat),
            VmEvent.Suspended e => Said(503, Severity.Normal, e.At,
                $"VM {name} on host {before.Seat?.HostName} is suspended.", seat: before.Seat),
            SuspendFailed e => Said(521, Severity.Error, e.At,
                $"Failed to suspend VM {name}: {e.Reason}. It runs on at host {after.Seat?.HostName}.", seat: after.Seat),
            ResumeFailed e => Said(54, Severity.Error, e.At,
                $"Failed to run VM {name}: {e.Reason}. It stays suspended.", seat: before.Seat),
            MemoryDiscarded e => Said(111, Severity.Normal, e.Origin.At,
                $"The saved memory of VM {name} was given up by {e.Origin.User}; it is down.", e.Origin),
            MemoryDeleted => null,
            ColdRebootRequested e => Said(157, Severity.Normal, e.Origin.At,
                $"VM {name} reboot initiated by {e.Origin.User}. It ends and is started again with its new configuration.",
                e.Origin, before.Seat),
            WentDown e when before is Stopping { Again: true } => Said(9611, Severity.Normal, e.At,
                $"VM {name} is down as a part of its cold reboot.", seat: before.Seat),
            StartedAgain => null,
            WentDown { Exit.Kind: VmExitKind.Error } e => Said(119, Severity.Error, e.At,
                $"VM {name} is down with error. Exit message: {e.Exit.Message}.", seat: before.Seat),
            WentDown e => Said(61, Severity.Normal, e.At,
                $"VM {name} is down.{(e.Exit.Message == "" ? "" : $" Exit message: {e.Exit.Message}")}", seat: before.Seat),
            MigrationRequested => null,
            MigrationPlaced e => Said(62, Severity.Normal, e.At,
                $"Migration started (VM: {name}, source: {before.Seat?.HostName}, destination: {e.To.HostName}, "
                + (e.Terms is { Address: { Length: > 0 } address } ? $"by address: {address}, " : "")
                + $"user: {before.Core.Job?.Origin.User ?? "system"}).", before.Core.Job?.Origin, e.To),
            MigrationFailed e => Said(128, Severity.Warning, e.At,
                $"Failed to migrate VM {name} to host {(before as Migrating)?.To.HostName}: {e.Reason}. Another host is tried.",
                seat: (before as Migrating)?.To),
            MigrationAbandoned { Reason: VmReports.Cancelled } e => Said(161, Severity.Normal, e.At,
                $"Migration of VM {name} was cancelled.", seat: after.Seat),
            MigrationAbandoned { Reason: VmReports.Overtaken } e => Said(65, Severity.Error, e.At,
                $"Migration of VM {name} failed: {e.Reason}."),
            MigrationAbandoned e => Said(65, Severity.Error, e.At,
                $"Migration of VM {name} failed: {e.Reason}. It runs on at host {after.Seat?.HostName}.", seat: after.Seat),
            // While it is stopped this may only mean that the other end is asked now.
            MigrationDone { Figures: null } when before is Stopping => null,
            MigrationDone e => Said(63, Severity.Normal, e.At,
                $"Migration completed (VM: {name}, source: {before.Seat?.HostName}, destination: {after.Seat?.HostName}"
                + $"{Figures(e.Figures)}).", seat: after.Seat),
            MigrationEndLost e => Said(142, Severity.Warning, e.At,
                $"VM {name}: the {(e.End == MigrationEnds.Source ? "source" : "destination")} of its migration is silent."),
            HostLost e => Said(142, Severity.Warning, e.At,
                $"VM {name} was set to the Unknown status: host {before.Seat?.HostName} is silent.", seat: before.Seat),
            Regained e when before is Sought && after is Stopping => Said(163, Severity.Normal, e.At,
                $"VM {name} was found on host {e.Seat.HostName} under lease {e.Seat.Lease}, where it is to end.", seat: e.Seat),
            Regained e when before is Sought || e.Seat.Lease > before.Core.Lease => Said(163, Severity.Normal, e.At,
                $"VM {name} was found on host {e.Seat.HostName}, where it runs under lease {e.Seat.Lease}.", seat: e.Seat),
            Regained e => Said(163, Severity.Normal, e.At,
                $"VM {name} status was restored to Up: host {e.Seat.HostName} has it.", seat: e.Seat),
            BackupRestored when before is Sought or Down => null,
            BackupRestored e => Said(30010, Severity.Warning, e.At,
                $"VM {name} was set to the Unknown status: the database was restored from a backup. All hosts are asked whether they have it."),
            SearchDelayed e => Said(30011, Severity.Alert, e.At,
                $"VM {name} waits to be started: after the restoration of the database it is not known whether it runs on one of these "
                + $"hosts: {string.Join(", ", e.Hosts)}. Bring them back, fence them, or, when they certainly are off, confirm that they "
                + "were rebooted."),
            FoundNowhere e when after is Placing { Cause: StartCause.HighAvailability } => Said(9602, Severity.Error, e.At,
                $"Highly available VM {name} failed ({VmSearch.NotFound}). It will be restarted automatically."),
            FoundNowhere e when after is Down { Exit.Message: VmSearch.NotFound } => Said(119, Severity.Error, e.At,
                $"VM {name} is down with error. Exit message: {VmSearch.NotFound}."),
            FoundNowhere e when after is Orphaned asked => Said(142, Severity.Warning, e.At,
                $"VM {name} runs nowhere for certain. Host {asked.Seat.HostName}, where it may have been migrated, is asked.", seat: asked.Seat),
            ForeignGuestSeen e => Said(30012, Severity.Alert, e.At,
                $"Host {e.Seat.HostName} runs a guest of the VM {after.Core.Id}, which is not known since the database was restored from a "
                + "backup. It is left running. Shut it down from within or on the host (virsh), and add the VM with its disks again.",
                seat: e.Seat),
            HostFenced e when after is Orphaned asked => Said(142, Severity.Warning, e.At,
                $"VM {name} no longer runs on host {before.Seat?.HostName}. Host {asked.Seat.HostName}, to which it may "
                + "have been migrated, is asked.", seat: asked.Seat),
            HostFenced { Plan: OrphanPlan.Restart } e => Said(9602, Severity.Error, e.At,
                $"Highly available VM {name} was lost with host {before.Seat?.HostName}, which is fenced. "
                + "It will be restarted automatically.", seat: before.Seat),
            HostFenced e => Said(143, Severity.Normal, e.At,
                $"VM {name} was set to down: host {before.Seat?.HostName} was fenced.", seat: before.Seat),
            _ => null,
        };
    }

    /// <summary>Jobs that this fact began or ended.</summary>
    public static ImmutableArray<JobView> Jobs(VmState before, VmEvent fact, VmState after)
    {
        var jobs = Journal.Jobs.Change(
            before.Core.Job, after.Core.Job, Kinds.Vm, after.Core.Id.Value, Failed(before, fact), At(fact));
        if (VmSnapshotStory.IsOne(fact)) return VmSnapshotStory.Jobs(before.Core, fact, after.Core);
        // A start that was stopped before it had a host begins and ends in one fact.
        if (fact is StopRequested { Origin: var origin } && after is Down)
            return jobs.Add(Journal.Jobs.AtOnce(origin, "Stopping VM", Kinds.Vm, after.Core.Id.Value));
        if (fact is MemoryDiscarded { Origin: var asked })
            return jobs.Add(Journal.Jobs.AtOnce(asked, "Stopping VM", Kinds.Vm, after.Core.Id.Value));
        return fact is Created { Origin: var creator }
            ? jobs.Add(Journal.Jobs.AtOnce(creator, "Creating VM", Kinds.Vm, after.Core.Id.Value))
            : jobs;
    }

    private static Outcome Failed(VmState before, VmEvent fact) => fact switch
    {
        PlacementFailed or MigrationAbandoned or HostLost or StopRequested or ActionFailed or ReshapeFailed => Outcome.Failed,
        WentDown { Exit.Kind: VmExitKind.Error } when before is not Stopping => Outcome.Failed,
        RestartQueued or SuspendFailed or ResumeFailed or BackupRestored => Outcome.Failed,
        _ when before is Suspending && fact is not VmEvent.Suspended => Outcome.Failed,
        _ => Outcome.Finished,
    };

    private static DateTimeOffset At(VmEvent fact) => fact switch
    {
        Created e            => e.Origin.At,
        Redefined e          => e.Origin.At,
        Removed e            => e.Origin.At,
        StartRequested e     => e.Origin.At,
        StopRequested e      => e.Origin.At,
        ActionRequested e    => e.Origin.At,
        ActionTaken e        => e.At,
        ActionFailed e       => e.At,
        ColdRebootRequested e => e.Origin.At,
        ReshapeRequested e   => e.Origin.At,
        Reshaped e           => e.At,
        ReshapeFailed e      => e.At,
        DevicesLeft e        => e.At,
        WatchdogBarked e     => e.At,
        StartedAgain e       => e.At,
        SuspendRequested e   => e.Origin.At,
        VmEvent.Suspended e  => e.At,
        SuspendFailed e      => e.At,
        ResumeFailed e       => e.At,
        MemoryDiscarded e    => e.Origin.At,
        MemoryDeleted e      => e.At,
        MigrationRequested e => e.Origin.At,
        RestartQueued e      => e.At,
        RestartDelayed e     => e.At,
        Placed e             => e.At,
        PlacementFailed e    => e.At,
        LaunchFailed e       => e.At,
        Launched e           => e.At,
        CameUp e             => e.At,
        GuestPaused e        => e.At,
        WentDown e           => e.At,
        MigrationPlaced e    => e.At,
        MigrationBegun e     => e.At,
        MigrationFailed e    => e.At,
        MigrationCancelRequested e => e.Origin.At,
        MigrationAbandoned e => e.At,
        MigrationDone e      => e.At,
        MigrationEndLost e   => e.At,
        HostLost e           => e.At,
        Regained e           => e.At,
        HostFenced e         => e.At,
        BackupRestored e     => e.At,
        FoundNowhere e       => e.At,
        _                    => default,
    };

    private static string StatusOf(VmState vm) => vm switch
    {
        Down when vm.Core.Snapshotting is not null        => "image_locked",
        Down                                              => "down",
        // In oVirt a VM in the restart queue is down; a client that waits for its return must not see more.
        Placing { Cause: StartCause.HighAvailability }    => "down",
        Placing or Starting when vm.Core.Memory is not null => "restoring_state",
        Placing or Starting                               => "wait_for_launch",
        Suspending                                        => "saving_state",
        VmState.Suspended                                 => "suspended",
        Up or PoweringUp when vm.Core.Action is { What: GuestAction.Reboot or GuestAction.Reset } => "reboot_in_progress",
        PoweringUp                                        => "powering_up",
        Up                                                => "up",
        Paused                                            => "paused",
        Stopping { Again: true }                          => "reboot_in_progress",
        Stopping                                          => "powering_down",
        MigrationPlacing or Migrating                     => "migrating",
        Orphaned or Sought                                => "unknown",
        _                                                 => "unassigned",
    };

    private const string IoError = "io-error", NoSpace = "no-space";

    /// <summary>oVirt's words for why a guest is paused.</summary>
    private static string Detail(string reason) => reason switch
    {
        IoError      => "eio",
        NoSpace      => "enospc",
        "permission" => "eperm",
        "user"       => "noerr",
        _            => "eother",
    };

    private static string TaskOf(VmState vm) => vm switch
    {
        Placing                       => "placing",
        Starting                      => vm.Core.Memory is null ? "starting" : "restoring",
        Suspending                    => "saving",
        Stopping                      => "stopping",
        MigrationPlacing or Migrating => "migrating",
        Orphaned                      => "waiting_for_fence",
        Sought                        => "seeking",
        _                             => vm.Core.Action is { What: var what } ? Doing(what) : "",
    };

    private static string PowerOf(VmState vm) => vm switch
    {
        VmState.Suspended             => "suspended",
        Placing when vm.Core.Memory is not null => "suspended",
        Down or Placing               => "off",
        Starting                      => "starting",
        Paused                        => "paused",
        Orphaned or Sought            => "unknown",
        _                             => "running",
    };

    internal static string Owed(VmEffect effect) => effect switch
    {
        VmEffect.FindHost                => "a host from its cluster",
        VmEffect.Launch e                => $"the start on {e.Seat.HostName} under lease {e.Seat.Lease}",
        VmEffect.SaveMemory e            => $"that {e.Seat.HostName} saves its memory",
        VmEffect.DeleteMemory e          => $"the deletion of {e.Path}",
        VmEffect.Halt e                  => $"the end on {e.Seat.HostName}",
        VmEffect.ExpectIncoming e        => $"the way to {e.To.HostName} under lease {e.To.Lease}",
        VmEffect.CancelMigration e       => $"the end of the migration from {e.From.HostName}",
        VmEffect.Act e                   => $"{Doing(e.Action.What)} on {e.Seat.HostName}",
        VmEffect.Reshape e               => $"the change of its machine on {e.Seat.HostName}",
        VmEffect.AddLayer e              => $"a new image of disk {e.Disk.Disk}",
        VmEffect.EndLayer e              => $"that disk {e.Disk} {(e.Keep ? "stays with its new image" : "goes back to the image that it had")}",
        VmEffect.EndPreview e            => $"the end of the preview of disk {e.Disk}",
        VmEffect.DropSnapshot e          => $"that disk {e.Disk.Disk} gives up its image of the snapshot",
        VmEffect.TakeSnapshot { Seat: { } seat } => $"that its guest goes on in new images on {seat.HostName}",
        VmEffect.Seek                    => "a word of every host since the database was restored: whether it has this VM",
        VmEffect.AskWhetherGone e        => $"proof that {e.Seat.HostName} no longer runs it",
        _                                => effect.GetType().Name,
    };

    private static string Unheard(ImmutableArray<string> hosts) =>
        hosts.IsEmpty ? "" : $"not heard since the restoration: {string.Join(", ", hosts)}";

    private static string Doing(GuestAction? what) => what switch
    {
        GuestAction.Reboot => "rebooting",
        GuestAction.Reset  => "resetting",
        _                  => "resuming",
    };

    private static string Figures(MigrationFigures? figures) =>
        figures is null ? "" : $", Total: {figures.TotalMs} ms, Actual downtime: {figures.DowntimeMs} ms";
}
