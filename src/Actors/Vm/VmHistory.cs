using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>What each fact makes of a VM. Total: it never throws and never refuses.</summary>
internal static class VmHistory
{
    public static VmState Evolve(VmState vm, VmEvent fact) =>
        VmLoans.WithoutPast(WithoutPast(Next(vm, fact), vm.Core.Running));

    private static VmState Next(VmState vm, VmEvent fact)
    {
        var core = vm.Core;
        return fact switch
        {
            BackupRestored or RestorationSeen or ForeignGuestSeen or MayArrive or SearchDelayed or FoundNowhere => VmSearch.Evolve(vm, fact),
            StartRequested or StopRequested or Regained when vm is Sought => VmSearch.Evolve(vm, fact),
            ReshapeRequested or Reshaped or ReshapeFailed or DevicesLeft => VmReshape.Evolve(vm, fact),
            SnapshotRequested or SnapshotDiskDone or SnapshotSwitched or SnapshotStepRepeated or SnapshotLayerStays or SnapshotFailed or SnapshotDone =>
                VmSnapshots.Evolve(vm, fact),
            Created e => new Down(
                Asked(core, e.Origin) with
                {
                    Config = e.Config, CreatedAt = e.Origin.At, Restoration = e.Restoration ?? 0, Foreign = null,
                },
                VmExit.Never),
            Redefined e => vm with { Core = Asked(core, e.Origin) with { Config = e.Config } },
            ConsoleUsed e => vm with { Core = Asked(core, e.Origin) },
            Removed e => new Gone(Asked(core, e.Origin) with { Leftovers = [.. core.Leftovers, .. Kept(core)] }),

            StartRequested e => new Placing(
                Asked(core, e.Origin) with
                {
                    Job = new Job(e.Origin.Job, $"Launching VM {Name(core)}", e.Origin), FailedRestarts = 0,
                    Once = vm is VmState.Suspended ? core.Once : e.Once,
                },
                StartCause.User, []),
            ColdRebootRequested e => vm.Seat is { } seat
                ? new Stopping(
                    Asked(core, e.Origin) with { Job = new Job(e.Origin.Job, $"Rebooting VM {Name(core)}", e.Origin) },
                    seat, StopMode.Shutdown, null)
                {
                    Again = true,
                }
                : vm,
            StartedAgain => new Placing(
                core, core.Config is { HighlyAvailable: true } ? StartCause.HighAvailability : StartCause.User, []),
            RestartQueued => new Placing(
                Settled(core).NowhereElse().WithoutMemory() with
                {
                    Running = null, FailedRestarts = vm is Placing or Starting or PoweringUp ? core.FailedRestarts + 1 : 0,
                },
                StartCause.HighAvailability, []),
            RestartDelayed e => vm is Placing p ? p with { Lacks = string.Join("; ", e.Reasons) } : vm,
            Placed e => Sit(vm, e),
            PlacementFailed or ResumeFailed when core.Memory is not null =>
                new VmState.Suspended(Settled(core) with { Running = null }),
            PlacementFailed e => new Down(
                Settled(core) with { StoppedAt = e.At }, new VmExit(VmExitKind.Error, string.Join("; ", e.Reasons))),
            LaunchFailed e => new Placing(
                core, vm is Starting s ? s.Cause : StartCause.HighAvailability,
                vm is Starting t ? t.Tried.Add(e.Seat.Host) : [e.Seat.Host]),
            Launched e => new PoweringUp(Settled(core) with { StartedAt = e.At }, e.Seat),
            CameUp e => new Up(core, e.Seat),
            GuestPaused e => vm.Seat is { } seat ? new Paused(core, seat, e.Reason) : vm,

            WatchdogBarked e => vm with { Core = core with { Barked = e.Bark.Id } },

            StopRequested e => Stop(vm, e),
            ActionRequested e => vm with
            {
                Core = Asked(core, e.Origin) with
                {
                    Action = new PendingAction(e.Origin.Job, e.What),
                    Job = new Job(e.Origin.Job, $"{Doing(e.What)} VM {Name(core)}", e.Origin),
                },
            },
            SuspendRequested e => vm.Seat is { } seat
                ? new Suspending(
                    Asked(core, e.Origin) with
                    {
                        Memory = new SavedMemory(e.Origin.Job, e.Path, core.Running ?? core.Config!),
                        Job = new Job(e.Origin.Job, $"Suspending VM {Name(core)}", e.Origin),
                    },
                    seat)
                : vm,
            VmEvent.Suspended e => core.Memory is null
                ? vm
                : new VmState.Suspended(Settled(core).NowhereElse() with { Running = null, StoppedAt = e.At }),
            SuspendFailed => vm is Suspending s ? new Up(Settled(core), s.Seat) : vm,
            MemoryDiscarded e => new Down(
                Asked(core, e.Origin) with { StoppedAt = e.Origin.At }, new VmExit(VmExitKind.Normal, "")),
            MemoryDeleted e => vm with { Core = core with { Leftovers = core.Leftovers.Remove(e.Path) } },
            DiskLent or DiskReturned => VmLoans.Evolve(vm, fact),
            ActionTaken or ActionFailed => vm with { Core = Settled(core) },
            WentDown e => new Down(
                Settled(core).NowhereElse() with { Running = null, StoppedAt = e.At }, e.Exit),

            MigrationRequested e => vm.Seat is { } seat
                ? new MigrationPlacing(
                    Asked(core, e.Origin) with { Job = new Job(e.Origin.Job, $"Migrating VM {Name(core)}", e.Origin) },
                    seat, e.Wanted)
                : vm,
            MigrationPlaced e => vm is MigrationPlacing m
                ? new Migrating(core with { Lease = e.To.Lease }, m.Seat, e.To, MigrationEnds.None)
                {
                    Terms = e.Terms, Wanted = m.Wanted, Tried = m.Tried,
                }
                : vm,
            MigrationFailed e => vm is Migrating m
                ? new MigrationPlacing(core.MayBeAt(m.To), m.From, m.Wanted) { Tried = m.Tried.Add(m.To.Host), Failed = e.Reason }
                : vm,
            MigrationAdvanced e => vm is Migrating m ? m with { Progress = e.Progress } : vm,
            // From here on the source refuses every order of an earlier migration.
            MigrationBegun => vm is Migrating m ? m with { Core = core.NowhereElse(), Begun = true } : vm,
            MigrationCancelRequested e => vm is Migrating m
                ? m with { Core = Asked(core, e.Origin), Cancelled = true }
                : vm,
            MigrationAbandoned e => vm switch
            {
                Migrating m        => new Up(Settled(core, e.By).MayBeAt(m.To), m.From),
                MigrationPlacing m => new Up(Settled(core, e.By), m.Seat),
                _                  => vm,
            },
            MigrationDone => vm switch
            {
                Migrating m when m.Lost.HasFlag(MigrationEnds.Destination) =>
                    new Orphaned(Settled(core).NowhereElse(), m.To, Plan(core)),
                Migrating m => new Up(Settled(core).NowhereElse(), m.To),
                Stopping { Also: { } also } s => s with { Seat = also, Also = null },
                Stopping s when core.Elsewhere is { } other => s with { Core = core.WithoutFirst(), Seat = other },
                { Seat: not null } when core.Elsewhere is { } other => Ask(core.WithoutFirst(), other, Plan(core)),
                _ => vm,
            },
            MigrationEndLost e => vm is Migrating m ? m with { Lost = m.Lost | e.End } : vm,

            HostLost e => vm.Seat is { } seat ? new Orphaned(Settled(core), seat, e.Plan) : vm,
            // It left by one migration: no other can come to be any more.
            Regained e when e.Seat.Lease > core.Lease => new Up(
                Settled(core).NowhereElse() with { Lease = e.Seat.Lease, Running = core.Running ?? core.Wanted }, e.Seat),
            Regained e => new Up(e.Seat == vm.Seat ? core : core.NowhereElse(), e.Seat),
            HostFenced e when vm is Migrating m => Ask(core, m.To, e.Plan),
            HostFenced e when core.Elsewhere is { } other => Ask(core.WithoutFirst(), other, e.Plan),
            HostFenced { Plan: OrphanPlan.Restart } =>
                new Placing(core.WithoutMemory() with { Running = null, FailedRestarts = 0 }, StartCause.HighAvailability, []),
            HostFenced e => new Down(
                core with { Running = null, StoppedAt = e.At }, new VmExit(VmExitKind.Error, "its host was fenced")),
            _ => vm,
        };
    }

    /// <summary>A memory is kept only where the guest has not run since it was written, and cannot; the settings of one run
    /// only until that run is over.</summary>
    /// <param name="ran">The machine before this fact.</param>
    private static VmState WithoutPast(VmState vm, VmConfig? ran)
    {
        if (vm.Core.Once is not null && vm is Down or Placing { Cause: StartCause.HighAvailability })
            vm = vm with { Core = vm.Core with { Once = null } };
        if (vm.Core.Reshape is { } pending && vm is Down or Placing or VmState.Suspended or Gone)
            vm = vm with { Core = VmReshape.WithoutGuest(vm.Core, pending, ran) };
        return vm is Suspending or VmState.Suspended or Sought or Placing or Starting or Stopping || vm.Core.Memory is null
            ? vm
            : vm with { Core = vm.Core.WithoutMemory() };
    }

    private static Starting Sit(VmState vm, Placed e) => new(
        vm.Core.NowhereElse() with { Lease = e.Seat.Lease, Running = vm.Core.ToRun }, e.Seat,
        vm is Placing p ? p.Cause : StartCause.User, vm is Placing q ? q.Tried : []);

    private static VmState Stop(VmState vm, StopRequested e)
    {
        var core = Asked(vm.Core, e.Origin) with
        {
            Job = new Job(e.Origin.Job, $"Stopping VM {Name(vm.Core)}", e.Origin), Action = null,
        };
        return vm switch
        {
            Placing      => new Down(Settled(core) with { StoppedAt = e.Origin.At }, new VmExit(VmExitKind.Normal, "")),
            Migrating m  => new Stopping(core, m.From, e.Mode, m.To),
            Stopping s   => s with { Core = core, Mode = e.Mode, Again = false },
            _ when vm.Seat is { } seat => new Stopping(core, seat, e.Mode, null),
            _            => vm,
        };
    }

    /// <summary>The guest can be at this place, at one of the others, or nowhere: one host after the other is asked.</summary>
    private static Orphaned Ask(VmCore core, Seat at, OrphanPlan plan) => new(Settled(core), at, plan);

    internal static VmCore Asked(VmCore core, Origin origin) => core with { Recent = core.Recent.Add(origin.Job) };

    internal static VmCore Settled(VmCore core, JobId? by = null) =>
        core with { Job = null, Action = null, Recent = by is { } job ? core.Recent.Add(job) : core.Recent };

    /// <summary>Files of its firmware and its TPM.</summary>
    private static IEnumerable<string> Kept(VmCore core) => core.Config?.Hardware is { StateFolder: { Length: > 0 } folder }
        ? ((string[])["nvram.fd", "tpm2-00.permall"]).Select(file => $"{folder}/{core.Id}/{file}")
        : [];

    private static string Doing(GuestAction what) => what switch
    {
        GuestAction.Reboot => "Rebooting",
        GuestAction.Reset  => "Resetting",
        _                  => "Resuming",
    };

    internal static string Name(VmCore core) => core.Config?.Name ?? core.Id.ToString();

    private static OrphanPlan Plan(VmCore core) =>
        core.Config is { HighlyAvailable: true } ? OrphanPlan.Restart : OrphanPlan.StayDown;
}
