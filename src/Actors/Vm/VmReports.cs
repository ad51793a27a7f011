using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmDecider;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

namespace Orchestrator.Actors.Vm;

/// <summary>
/// What a host's word does to a VM: the truth table between what is known and what is reported.
/// <list type="number">
/// <item>Only a report under the seat's own lease changes the VM.</item>
/// <item>A running copy under any other lease is ended.</item>
/// <item>Silence proves nothing; a fence, another boot, or the host's own word does.</item>
/// </list>
/// </summary>
public static class VmReports
{
    public static Decision Heard(VmState vm, ReportGuest r) => vm switch
    {
        Migrating s when r.Lease == s.From.Lease && r.Host == s.From.Host => FromSource(s, r),
        Migrating s when r.Lease == s.To.Lease && r.Host == s.To.Host     => FromDestination(s, r),
        Stopping { Also: { } also } s when Is(also, r)                    => AlsoEnded(s, r),
        Down { Exit.Kind: VmExitKind.Error } when r.Lease == vm.Core.Lease && Runs(r) => Back(r),
        _ when vm.Seat is { } seat && Is(seat, r)                         => AtSeat(vm, r),
        _                                                                 => Stray(r),
    };

    public static Decision Missing(VmState vm, ReportMissing r) => vm switch
    {
        // The order to start is said again until the agent answers it; a report from before means nothing.
        Starting                                                  => Done,
        Migrating s when r.Host == s.From.Host                    => Accept(new MigrationDone(null, r.At)),
        Migrating s when r.Host == s.To.Host && s.Lost.HasFlag(MigrationEnds.Source)
                                                                  => Accept(new HostLost(PlanOf(vm), r.At)),
        Migrating                                                 => Done,
        Stopping { Also: { } } s when r.Host == s.Seat.Host || r.Host == s.Also.Host
                                                                  => Ended(vm, VmExitKind.Normal, "", r.At),
        _ when vm.Seat?.Host != r.Host                            => No(Fault.StaleReport),
        Stopping                                                  => Ended(vm, VmExitKind.Normal, "", r.At),
        _                                                         => Ended(vm, VmExitKind.Error,
                                                                        "not found on its host", r.At),
    };

    public static Decision Refused(VmState vm, RefuseLaunch r) =>
        vm is Starting s && s.Seat.Lease == r.Lease && s.Seat.Host == r.Host
            ? LaunchedNot(s, r.Reason, r.At)
            : No(Fault.StaleReport);

    public static Decision HostSilent(VmState vm, LoseHost c) => vm switch
    {
        Orphaned                                                  => Done,
        Migrating s when Sits(s.From, c.Host, c.Incarnation) && s.Lost.HasFlag(MigrationEnds.Source) => Done,
        Migrating s when Sits(s.From, c.Host, c.Incarnation) && s.Lost.HasFlag(MigrationEnds.Destination)
                                                                  => Accept(new HostLost(PlanOf(vm), c.At)),
        Migrating s when Sits(s.From, c.Host, c.Incarnation)      =>
            Accept(new MigrationEndLost(MigrationEnds.Source, c.At)),
        Migrating s when Sits(s.To, c.Host, c.Incarnation) && s.Lost == MigrationEnds.None =>
            Accept(new MigrationEndLost(MigrationEnds.Destination, c.At)),
        Migrating                                                 => Done,
        _ when vm.Seat is { } seat && Sits(seat, c.Host, c.Incarnation)
                                                                  => Accept(new HostLost(PlanOf(vm), c.At)),
        _                                                         => No(Fault.StaleReport),
    };

    // Only here does a VM leave a lost host: a later life of the host is the one proof that the old copy is dead.
    public static Decision HostDead(VmState vm, ConfirmFence c) => vm switch
    {
        Orphaned s when Outlived(s.Seat, c)                       => Accept(new HostFenced(s.Plan, c.At)),
        Migrating s when Outlived(s.From, c)                      => Accept(new MigrationDone(null, c.At)),
        Migrating s when Outlived(s.To, c) && s.Lost == MigrationEnds.None =>
            Accept(new MigrationEndLost(MigrationEnds.Destination, c.At)),
        Migrating                                                 => Done,
        Starting s when Outlived(s.Seat, c)                       => LaunchedNot(s, "its host was fenced", c.At),
        Stopping { Also: { } also } s when Outlived(also, c) || Outlived(s.Seat, c)
                                                                  => Ended(vm, VmExitKind.Normal, "", c.At),
        _ when vm.Seat is { } seat && Outlived(seat, c)           => Ended(vm, VmExitKind.Error,
                                                                        $"host {seat.HostName} was fenced", c.At),
        _                                                         => No(Fault.StaleReport),
    };

    private static Decision AtSeat(VmState vm, ReportGuest r) => (vm, r.State) switch
    {
        (Starting s, GuestState.Down)                => LaunchedNot(s, Why(r, "the guest ended while it started"), r.At),
        (Starting s, GuestState.PoweringUp)          => Accept(new Launched(s.Seat, r.At)),
        (Starting s, GuestState.Up)                  => Accept(new Launched(s.Seat, r.At), new CameUp(s.Seat, r.At)),
        (PoweringUp s, GuestState.Up)                => Accept(new CameUp(s.Seat, r.At)),
        (Paused s, GuestState.Up)                    => Accept(new CameUp(s.Seat, r.At)),
        (Up or PoweringUp, GuestState.Paused)        => Accept(new GuestPaused(Why(r, "paused"), r.At)),

        (Orphaned s, GuestState.Up or GuestState.PoweringUp or GuestState.Paused or GuestState.PoweringDown)
                                                     => Accept(new Regained(s.Seat, r.At)),

        (Stopping, GuestState.Down)                  => Ended(vm, VmExitKind.Normal, r.Exit.Message, r.At),
        (_, GuestState.Down)                         => Ended(vm, r.Exit.Kind, Why(r, "the guest ended"), r.At),
        (Stopping { Also: not null }, GuestState.HandedOver) => Accept(new MigrationDone(r.Migration, r.At)),
        // Moved away by someone else than us: the other end reports under a lease that we did not give.
        (_, GuestState.HandedOver)                   => Ended(vm, VmExitKind.Error, "left its host unasked", r.At),
        _                                            => Done,
    };

    private static Decision FromSource(Migrating s, ReportGuest r) => r.State switch
    {
        GuestState.HandedOver                        => Accept(new MigrationDone(r.Migration, r.At)),
        GuestState.MigrationFailed                   =>
            new Decision.Accept(new MigrationAbandoned(Why(r, "the migration failed"), r.At))
            {
                Then = [new VmEffect.Destroy(s.To.Host, s.To.Lease)],
            },
        GuestState.Down                              => Ended(s, r.Exit.Kind, Why(r, "the guest ended"), r.At),
        _                                            => Done,
    };

    private static Decision FromDestination(Migrating s, ReportGuest r) => r.State switch
    {
        // While the source can still speak its word is awaited: it brings libvirt's figures.
        GuestState.Up or GuestState.PoweringUp or GuestState.Paused when s.Lost.HasFlag(MigrationEnds.Source)
                                                     => Accept(new MigrationDone(null, r.At)),
        GuestState.Down when s.Lost.HasFlag(MigrationEnds.Source)
                                                     => Accept(new HostLost(PlanOf(s), r.At)),
        _                                            => Done,
    };

    private static Decision AlsoEnded(Stopping s, ReportGuest r) =>
        r.State == GuestState.Down ? Done : new Decision.Relay(new VmEffect.Halt(s.Also!, s.Mode));

    private static Decision Back(ReportGuest r) =>
        Accept(new Regained(new Seat(r.Host, r.HostName, r.Incarnation, r.Lease), r.At));

    private static Decision LaunchedNot(Starting s, string reason, DateTimeOffset at) =>
        s.Cause == StartCause.User && s.Tried.Length + 1 >= HostsTriedAtMost
            ? Accept(new WentDown(new VmExit(VmExitKind.Error, reason), at))
            : Accept(new LaunchFailed(s.Seat, reason, at));

    /// <summary>HA brings back what ended by fault, never what was asked to end or ended by itself in order.</summary>
    private static Decision Ended(VmState vm, VmExitKind kind, string message, DateTimeOffset at) =>
        kind == VmExitKind.Error && PlanOf(vm) == OrphanPlan.Restart
            ? Accept(new RestartQueued(message, at))
            : Accept(new WentDown(new VmExit(kind, message), at));

    private static OrphanPlan PlanOf(VmState vm) => vm switch
    {
        Orphaned s                                   => s.Plan,
        Stopping                                     => OrphanPlan.StayDown,
        _ when vm.Config.HighlyAvailable             => OrphanPlan.Restart,
        _                                            => OrphanPlan.StayDown,
    };

    private static bool Is(Seat seat, ReportGuest r) => seat.Lease == r.Lease && seat.Host == r.Host;

    private static bool Sits(Seat seat, HostId host, long incarnation) =>
        seat.Host == host && seat.Incarnation <= incarnation;

    private static bool Outlived(Seat seat, ConfirmFence c) =>
        seat.Host == c.Host && seat.Incarnation < c.Incarnation;

    private static bool Runs(ReportGuest r) =>
        r.State is GuestState.Up or GuestState.PoweringUp or GuestState.Paused;

    private static string Why(ReportGuest r, string otherwise) =>
        r.Message is { Length: > 0 } said ? said : r.Exit.Message is { Length: > 0 } exit ? exit : otherwise;
}
