using System.Collections.Immutable;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>
/// The rules of a VM's life. Pure: no clock, no I/O, no logger, no exception.
/// Users ask, the cluster offers, hosts report. Whoever reports names the lease he means; what carries another lease
/// than the present one is about a copy that must not be.
/// </summary>
public static class VmDecider
{
    /// <summary>Hosts tried for one start before it is given up (oVirt's MaxRerunVmOnVdsCount).</summary>
    public const int HostsTriedAtMost = 3;

    public static VmState Initial(VmId id) => new Absent(new VmCore(id));

    public static Decision Decide(VmState vm, VmCommand command) => (vm, command) switch
    {
        // Asked twice under one job is asked once: a client or a node that lost the answer may ask again.
        (_, _) when AskedBefore(vm, command) => Done,

        (Absent, Create c)                   => Check(Fit(c.Config)) ?? Accept(new Created(c.Origin, Fit(c.Config))
                                                {
                                                    Restoration = vm.Core.Restoration > 0 ? vm.Core.Restoration : null,
                                                }),
        (_, Create)                          => No(Fault.AlreadyExists),
        (Absent, TakeUpRestored c)           => Accept(new RestorationSeen(c.Restoration)),
        (Absent s, ReportGuest r)            => VmSearch.Foreign(s, r),
        (Gone, ReportGuest r)                => Stray(r),
        (Gone, ReportMemoryDeleted r) when vm.Core.Leftovers.Contains(r.Path) => Accept(new MemoryDeleted(r.Path, r.At)),
        (Absent, _)                          => No(Fault.NotFound),
        (Gone, Remove)                       => Done,
        (Gone, _)                            => No(Fault.Removed),

        (_, _) when VmSnapshots.Prevents(vm, command) is { } no => no,
        (_, ReportLayer r)                   => VmSnapshots.Heard(vm, r),
        (_, ReportSnapshotTaken r)           => VmSnapshots.Heard(vm, r),
        (_, TakeSnapshot c)                  => VmSnapshots.BeginTaking(vm, c),
        (_, RemoveSnapshot c)                => VmSnapshots.BeginRemoval(vm, c),
        (_, PreviewSnapshot c)               => VmSnapshots.BeginPreview(vm, c),
        (_, UndoSnapshot c)                  => VmSnapshots.EndPreview(vm, c.Origin, SnapshotOrder.Undo),
        (_, CommitSnapshot c)                => VmSnapshots.EndPreview(vm, c.Origin, SnapshotOrder.Commit),

        (_, Update c)                        => Redefine(vm, c),
        (_, AttachDisk c) when HardwareRules.Wrong(c.Disk) is { } why => No(Fault.InvalidValue, why),
        (_, UpdateDisk c) when HardwareRules.Wrong(c.Disk) is { } why => No(Fault.InvalidValue, why),
        (_, AddNic c) when HardwareRules.Wrong(c.Nic) is { } why => No(Fault.InvalidValue, why),
        (_, UpdateNic c) when HardwareRules.Wrong(c.Nic) is { } why => No(Fault.InvalidValue, why),
        (_, AttachDisk c)                    => VmReshape.Attach(vm, c),
        (_, UpdateDisk c)                    => VmReshape.Change(vm, c),
        (_, DetachDisk c)                    => VmReshape.Detach(vm, c),
        (_, AddNic c)                        => VmReshape.Plug(vm, c),
        (_, UpdateNic c)                     => VmReshape.Rewire(vm, c),
        (_, RemoveNic c)                     => VmReshape.Unplug(vm, c),

        (_, ChangeCd c)                      => VmReshape.Load(vm, c),

        (_, NoteConsole c)                   => VmConsoles.Note(vm, c),

        (_, LendDisk c)                      => VmLoans.Lend(vm, c),
        (_, ReturnDisk c)                    => VmLoans.Return(vm, c),

        (Down, Remove) when vm.Config.DeleteProtected => No(Fault.VmDeleteProtected),
        (Down, Remove c)                     => Accept(new Removed(c.Origin)),
        (_, Remove)                          => No(Fault.VmMustBeDown),

        (Sought s, _)                        => VmSearch.Decide(s, command),
        (_, TakeUpRestored c)                => c.Restoration > vm.Core.Restoration ? Accept(new BackupRestored(c.Restoration, c.At)) : Done,
        (_, ReportNowhere or ReportUnheard)  => No(Fault.StaleReport),

        (Down or VmState.Suspended, Start { NotReady: not "" } c) => No(Fault.VmDiskNotReady, c.NotReady),
        (Down, Start c)                      => Begin(vm, c),
        (VmState.Suspended or Paused, Start { Once: not null }) => No(Fault.VmStatusIllegal),
        (VmState.Suspended, Start c)         => Accept(new StartRequested(c.Origin)),
        (Placing { Cause: StartCause.HighAvailability }, Start) => Done,
        // In oVirt, too, run means resume for who is paused.
        (Paused { Core.Action: null }, Start c) => Accept(new ActionRequested(c.Origin, GuestAction.Resume)),
        (Paused { Core.Action.What: GuestAction.Resume }, Start) => Done,
        (Orphaned, Start)                    => No(Fault.VmHostUnknown),
        (_, Start)                           => No(Fault.VmAlreadyRunning),

        (Down, Stop or Shutdown)             => No(Fault.VmNotRunning),
        (VmState.Suspended, Stop c)          => Accept(new MemoryDiscarded(c.Origin)),
        (VmState.Suspended, Shutdown c)      => Accept(new MemoryDiscarded(c.Origin)),
        (Orphaned, Stop or Shutdown)         => No(Fault.VmHostUnknown),
        (Placing, Stop c)                    => Accept(new StopRequested(c.Origin, StopMode.PowerOff)),
        (Placing, Shutdown c)                => Accept(new StopRequested(c.Origin, StopMode.PowerOff)),
        (Stopping { Mode: StopMode.PowerOff }, Stop or Shutdown) => Done,
        (Stopping { Again: false }, Shutdown) => Done,
        (_, Stop c)                          => Accept(new StopRequested(c.Origin, StopMode.PowerOff)),
        (Up, Shutdown c)                     => Accept(new StopRequested(c.Origin, StopMode.Shutdown)),
        // A guest that cannot hear the power button is powered off, as oVirt does.
        (_, Shutdown c)                      => Accept(new StopRequested(c.Origin, StopMode.PowerOff)),

        (Up, Suspend) when (vm.Core.Running ?? vm.Config).Stateless => No(Fault.VmStateless),
        (Up, Suspend) when !vm.Core.Lent.IsEmpty => No(Fault.DiskLocked),
        (Up, Suspend { Path: "" })           => No(Fault.VmNoRoomForMemory),
        (Up, Suspend) when vm.Core.Reshape is not null => No(Fault.VmBeingChanged),
        (Up, Suspend c) when vm.Core.Action is null => Accept(new SuspendRequested(c.Origin, c.Path)),
        (Orphaned, Suspend)                  => No(Fault.VmHostUnknown),
        (_, Suspend)                         => No(Fault.VmNotUp),

        (Up or PoweringUp, Reboot or Reset) when vm.Core.Reshape is not null => No(Fault.VmBeingChanged),
        (Up or PoweringUp, Reboot c) when vm.Core is { Action: null, HasNextRun: true } => Accept(new ColdRebootRequested(c.Origin)),
        (Up or PoweringUp, Reboot c) when vm.Core.Action is null => Accept(new ActionRequested(c.Origin, GuestAction.Reboot)),
        (Up or PoweringUp, Reset c) when vm.Core.Action is null => Accept(new ActionRequested(c.Origin, GuestAction.Reset)),
        (Down or Placing or VmState.Suspended, Reboot or Reset) => No(Fault.VmNotRunning),
        (Orphaned, Reboot or Reset)          => No(Fault.VmHostUnknown),
        (_, Reboot or Reset)                 => No(Fault.VmStatusIllegal),

        (Up or PoweringUp or Paused, Migrate) when vm.Core.Reshape is not null => No(Fault.VmBeingChanged),
        (Up or PoweringUp or Paused, Migrate) when vm.Core.Action is not null => No(Fault.VmStatusIllegal),
        (Up or PoweringUp or Paused, Migrate) when !vm.Core.Lent.IsEmpty => No(Fault.DiskLocked),
        (Up or PoweringUp or Paused, Migrate c) => BeginMigration(vm, c),
        (Down or Placing or VmState.Suspended, Migrate) => No(Fault.VmNotRunning),
        (Orphaned, Migrate)                  => No(Fault.VmHostUnknown),
        (_, Migrate)                         => No(Fault.VmStatusIllegal),

        (MigrationPlacing, VmCommand.CancelMigration c) =>
            Accept(new MigrationAbandoned(VmReports.Cancelled, c.Origin.At) { By = c.Origin.Job }),
        (Migrating { Cancelled: true }, VmCommand.CancelMigration) => Done,
        (Migrating, VmCommand.CancelMigration c) => Accept(new MigrationCancelRequested(c.Origin)),
        (_, VmCommand.CancelMigration)       => No(Fault.VmNotMigrating),

        (Placing or MigrationPlacing, OfferHost c) when c.AskedAt == vm.Core.Lease => Take(vm, c),
        (Placing or MigrationPlacing, RefusePlacement c) when c.AskedAt == vm.Core.Lease => GiveUp(vm, c),
        (_, OfferHost or RefusePlacement)    => No(Fault.StaleReport),

        (_, ReportGuest r)                   => VmReports.Heard(vm, r),
        (_, ReportMissing r)                 => VmReports.Missing(vm, r),
        (_, RefuseLaunch r)                  => VmReports.Refused(vm, r),
        (Migrating s, RefuseMigration r) when r.DestinationLease == s.To.Lease && s.Lost == MigrationEnds.None =>
            VmReports.TriesElsewhere(s) ? Accept(new MigrationFailed(r.Reason, r.At)) : Accept(new MigrationAbandoned(r.Reason, r.At)),
        (_, RefuseMigration)                 => No(Fault.StaleReport),
        (Migrating { Cancelled: false } s, ReportIncomingReady r) when r.Lease == s.To.Lease && s.Lost == MigrationEnds.None =>
            new Decision.Relay(new VmEffect.MigrateOut(s.From, s.To) { Terms = s.Terms }),
        (_, ReportIncomingReady)             => No(Fault.StaleReport),

        (_, ReportActionTaken r) when vm.Core.Action?.Id == r.Action => Accept(new ActionTaken(r.At)),
        (_, RefuseAction r) when vm.Core.Action?.Id == r.Action => Accept(new ActionFailed(r.Reason, r.At)),
        (_, ReportActionTaken or RefuseAction) => No(Fault.StaleReport),

        (_, RefuseReshape r) when vm.Core.Reshape?.Number == r.Number =>
            Accept(new ReshapeFailed(r.Number, r.Reason, vm.Core.Running ?? vm.Config, r.At)),
        (_, RefuseReshape)                   => No(Fault.StaleReport),

        (_, ReportMemoryDeleted r) when vm.Core.Leftovers.Contains(r.Path) => Accept(new MemoryDeleted(r.Path, r.At)),
        (_, ReportMemoryDeleted)             => No(Fault.StaleReport),

        (_, LoseHost c)                      => VmReports.HostSilent(vm, c),
        // Nothing that the storage could lock: it waits for a better proof.
        (_, ConfirmFence { OnStorageAlone: true })
            when vm.Core.Config is not { } next || !next.IsLockedOutBy(VmReshape.Certain(vm.Core, vm.Core.Running ?? next)) =>
            No(Fault.HostNotFenced),
        (_, ConfirmFence c)                  => VmReports.HostDead(vm, c),

        _                                    => No(Fault.VmStatusIllegal),
    };

    /// <summary>Replays one fact. Total: a journal that was accepted once must always load.</summary>
    public static VmState Evolve(VmState vm, VmEvent fact) => VmHistory.Evolve(vm, fact);

    /// <summary>What must be asked of the world while the VM is in this state; the same after a crash.</summary>
    public static ImmutableArray<VmEffect> Outstanding(VmState vm) =>
        [.. OfPhase(vm), .. OfMachine(vm), .. VmLoans.Outstanding(vm), .. VmSnapshots.Outstanding(vm), .. vm.Core.Leftovers.Select(path => new VmEffect.DeleteMemory(path))];

    private static ImmutableArray<VmEffect> OfPhase(VmState vm) => vm switch
    {
        Placing { Cause: StartCause.HighAvailability, Tried.IsEmpty: true } s =>
            [new VmEffect.FindHost(s.Core.Lease, null, null) { Failed = s.Core.FailedRestarts }],
        Placing s           => [new VmEffect.FindHost(s.Core.Lease, s.Core.Once?.Host, null)],
        Starting s          => [new VmEffect.Launch(s.Seat) { Memory = s.Core.Memory?.Path ?? "" }],
        Suspending { Core.Memory: { } memory } s => [new VmEffect.SaveMemory(s.Seat, memory.Id, memory.Path)],
        Stopping { Also: { } also } s => [new VmEffect.Halt(s.Seat, s.Mode), new VmEffect.Halt(also, s.Mode)],
        Stopping s          => [new VmEffect.Halt(s.Seat, s.Mode)],
        MigrationPlacing s  => [new VmEffect.FindHost(s.Core.Lease, s.Wanted, s.Seat.Host)],
        Migrating { Lost: MigrationEnds.None, Cancelled: true } s => [new VmEffect.CancelMigration(s.From)],
        Migrating { Lost: MigrationEnds.None } s => [new VmEffect.ExpectIncoming(s.To)],
        Migrating { Lost: MigrationEnds.Destination } s => [new VmEffect.CancelMigration(s.From)],
        Migrating s         => [new VmEffect.AskWhetherGone(s.From), new VmEffect.AskWhetherGone(s.To)],
        Orphaned s          => [new VmEffect.AskWhetherGone(s.Seat)],
        Sought s            => [new VmEffect.Seek(s.Core.Restoration)],
        Up or PoweringUp or Paused when vm is { Core.Action: { } action, Seat: { } seat } => [new VmEffect.Act(seat, action)],
        _                   => [],
    };

    /// <summary>A change of the machine is owed for as long as the guest is known to run.</summary>
    private static ImmutableArray<VmEffect> OfMachine(VmState vm) =>
        vm is Up or PoweringUp or Paused && vm is { Core.Reshape: { } pending, Seat: { } seat } ? [new VmEffect.Reshape(seat, pending.Number)] : [];

    internal static Decision Accept(params ImmutableArray<VmEvent> facts) => new Decision.Accept(facts);

    internal static Decision No(Fault fault, string? detail = null) => new Decision.Refuse(fault, detail);

    internal static Decision Done { get; } = new Decision.AlreadyDone();

    /// <summary>A guest runs that has no right to: it is ended, whatever it is.</summary>
    internal static Decision Stray(ReportGuest report) =>
        report.State is GuestState.Down or GuestState.HandedOver or GuestState.Saved
            ? No(Fault.StaleReport)
            : new Decision.Relay(new VmEffect.Destroy(report.Host, report.Lease));

    private static bool AskedBefore(VmState vm, VmCommand command) =>
        OriginOf(command) is { } origin && vm is not Absent && vm.Core.Recent.Contains(origin.Job);

    private static Origin? OriginOf(VmCommand command) => command switch
    {
        Create c                    => c.Origin,
        Update c                    => c.Origin,
        Remove c                    => c.Origin,
        Start c                     => c.Origin,
        Stop c                      => c.Origin,
        Shutdown c                  => c.Origin,
        Reboot c                    => c.Origin,
        Reset c                     => c.Origin,
        Suspend c                   => c.Origin,
        Migrate c                   => c.Origin,
        VmCommand.CancelMigration c => c.Origin,
        AttachDisk c                => c.Origin,
        UpdateDisk c                => c.Origin,
        DetachDisk c                => c.Origin,
        AddNic c                    => c.Origin,
        UpdateNic c                 => c.Origin,
        RemoveNic c                 => c.Origin,
        NoteConsole c               => c.Origin,
        ChangeCd c                  => c.Origin,
        TakeSnapshot c              => c.Origin,
        RemoveSnapshot c            => c.Origin,
        PreviewSnapshot c           => c.Origin,
        UndoSnapshot c              => c.Origin,
        CommitSnapshot c            => c.Origin,
        _                           => null,
    };

    internal static Decision Begin(VmState vm, Start c)
    {
        var wanted = c.Once?.Patch.Apply(vm.Config) ?? vm.Config;
        if (Check(wanted) is { } refusal) return refusal;
        if (wanted is { Stateless: true, HighlyAvailable: true }) return No(Fault.VmStatelessAndHighlyAvailable);
        return Accept(new StartRequested(c.Origin) { Once = c.Once });
    }

    private static Decision BeginMigration(VmState vm, Migrate c)
    {
        if (vm.Config.Affinity == VmAffinity.Pinned) return No(Fault.VmPinned);
        if (vm.Config.Affinity == VmAffinity.UserMigratable && !c.Force) return No(Fault.VmNotMigratable);
        if (c.Host == vm.Seat?.Host) return No(Fault.VmMigrationToSameHost);
        return Accept(new MigrationRequested(c.Origin, c.Host));
    }

    private static Decision Take(VmState vm, OfferHost c)
    {
        var seat = new Seat(c.Host, c.HostName, c.Incarnation, vm.Core.NextLease());
        return vm is MigrationPlacing
            ? Accept(new MigrationPlaced(seat, c.At) { Terms = c.Terms })
            : Accept(new Placed(seat, c.At));
    }

    private static Decision GiveUp(VmState vm, RefusePlacement c) => vm switch
    {
        MigrationPlacing { Failed: { Length: > 0 } failed } =>
            Accept(new MigrationAbandoned($"{failed}. No other host takes it: {string.Join("; ", c.Reasons)}", c.At)),
        MigrationPlacing => Accept(new MigrationAbandoned(string.Join("; ", c.Reasons), c.At)),
        Placing { Cause: StartCause.User } => Accept(new PlacementFailed(c.Reasons, c.At)),
        // HA waits: capacity comes back, and the cluster is asked again at every tick, about every host.
        Placing { Tried.Length: > 0 } => Accept(new RestartQueued("every host was tried", c.At)),
        Placing { Lacks: "" } => Accept(new RestartDelayed(c.Reasons, c.At)),
        _ => Done,
    };

    private static Decision Redefine(VmState vm, Update c) =>
        Check(c.Patch.Apply(vm.Config)) is { } refusal
            ? refusal
            : VmReshape.Redefine(vm, c);

    /// <summary>A definition that leaves the bounds of memory open gets those that its memory needs.</summary>
    private static VmConfig Fit(VmConfig config) => config with
    {
        MaxMemory = Math.Max(config.MaxMemory, config.Memory),
        GuaranteedMemory = Math.Min(config.GuaranteedMemory, config.Memory),
    };

    private static Decision? Check(VmConfig config) => config switch
    {
        { Name: "" }                                            => No(Fault.MissingValue, "name"),
        { Memory: <= 0 }                                        => No(Fault.InvalidValue, "memory"),
        _ when config.MaxMemory < config.Memory                 => No(Fault.InvalidValue, "memory_policy.max"),
        _ when config.GuaranteedMemory > config.Memory          => No(Fault.InvalidValue, "memory_policy.guaranteed"),
        _ when config.GuaranteedMemory < 0                      => No(Fault.InvalidValue, "memory_policy.guaranteed"),
        { Sockets: < 1 or > 512 } or { Cores: < 1 or > 512 } or { Threads: < 1 or > 8 }
                                                                => No(Fault.InvalidValue, "cpu.topology"),
        { Priority: < 0 or > 100 }                              => No(Fault.InvalidValue, "high_availability.priority"),
        { MigrationDowntimeMs: 0 }                              => No(Fault.InvalidValue, "migration_downtime"),
        _ when config.Migration.Wrong() is { } field            => No(Fault.InvalidValue, field),
        _ when HardwareRules.Wrong(config) is { } why           => No(Fault.InvalidValue, why),
        _                                                       => null,
    };

    extension(VmState vm)
    {
        /// <summary>The definition; only an absent VM has none, and no rule that reads it runs on an absent one.</summary>
        internal VmConfig Config => vm.Core.Config ?? _nothing;

        /// <summary>Where the guest is taken to be; null when it certainly is nowhere.</summary>
        public Seat? Seat => vm switch
        {
            Starting s         => s.Seat,
            PoweringUp s       => s.Seat,
            Up s               => s.Seat,
            Paused s           => s.Seat,
            Suspending s       => s.Seat,
            Stopping s         => s.Seat,
            MigrationPlacing s => s.Seat,
            Migrating s        => s.From,
            Orphaned s         => s.Seat,
            _                  => null,
        };
    }

    private static readonly VmConfig _nothing = new() { Name = "", Cluster = default };
}
