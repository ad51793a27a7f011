using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmDecider;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

#pragma warning disable format // decision tables stand in columns
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
    /// <summary>Why a migration is given up whose VM was moved by an earlier one.</summary>
    public const string Overtaken = "an earlier migration came to be";

    /// <summary>Why a migration is given up that a user has cancelled.</summary>
    public const string Cancelled = "cancelled";

    private const string Unasked = "it was suspended by an order that came too late";

    public static Decision Heard(VmState vm, ReportGuest r)
    {
        var heard = OfCopy(vm, r);
        if (vm.Seat is not { } seat || !Is(seat, r)) return heard;
        if (VmReshape.Heard(vm, r) is { } reshaped) heard = Also(reshaped, heard);
        return r.Watchdog is { } bark && bark.Id != vm.Core.Barked ? Also(new WatchdogBarked(bark, r.At), heard) : heard;
    }

    private static Decision Also(VmEvent fact, Decision heard) => heard switch
    {
        Decision.Accept a => new Decision.Accept([fact, .. a.Facts]) { Then = a.Then },
        Decision.AlreadyDone => Accept(fact),
        _ => heard,
    };

    private static Decision OfCopy(VmState vm, ReportGuest r) => vm switch
    {
        Migrating s when Is(s.From, r)                                    => FromSource(s, r),
        Migrating s when Is(s.To, r)                                      => FromDestination(s, r),
        Stopping { Also: { } also } s when Is(also, r)                    => AlsoEnded(s, r),
        Down { Exit.Kind: VmExitKind.Error } when r.Lease == vm.Core.Lease && Runs(r) => Back(r),
        _ when vm.Seat is { } seat && Is(seat, r)                         => AtSeat(vm, r),
        _ when vm is not Down && vm.Core.Others().FirstOrDefault(o => Is(o, r)) is { } other => AtOther(vm, other, r),
        _ when VmSearch.IsOfLostTime(vm.Core, r.Lease)                    => VmSearch.FoundLate(vm, r),
        _                                                                 => Stray(r),
    };

    public static Decision Missing(VmState vm, ReportMissing r) => vm switch
    {
        // The order to start is said again until the agent answers it; a report from before means nothing.
        Starting                                                  => Done,
        // It left, or died with its host: only the destination can have it now.
        Migrating s when Means(s.From, r)                         => Accept(new HostFenced(PlanOf(vm), r.At)),
        Migrating                                                 => Done,
        Stopping { Also: { } also } when Means(also, r)           => Done,
        _ when vm.Seat is not { } seat || !Means(seat, r)         => No(Fault.StaleReport),
        _                                                         => Lost(vm, "not found on its host", r.At),
    };

    public static Decision Refused(VmState vm, RefuseLaunch r) =>
        vm is Starting s && s.Seat.Lease == r.Lease && s.Seat.Host == r.Host
            ? LaunchedNot(s, r.Reason, r.At)
            : No(Fault.StaleReport);

    public static Decision HostSilent(VmState vm, LoseHost c) => vm switch
    {
        Orphaned                                                  => Done,
        // What these owe asks the host at every tick: the order is carried out, or the copy is proved dead. An orphan
        // would forget that it was asked to start, to end or to be suspended.
        Starting or Stopping or Suspending                        => Done,
        Migrating s when Sits(s.From, c.Host, c.Incarnation)      => s.Lost.HasFlag(MigrationEnds.Source)
            ? Done
            : Accept(new MigrationEndLost(MigrationEnds.Source, c.At)),
        Migrating s when Sits(s.To, c.Host, c.Incarnation)        => s.Lost.HasFlag(MigrationEnds.Destination)
            ? Done
            : Accept(new MigrationEndLost(MigrationEnds.Destination, c.At)),
        Migrating                                                 => Done,
        _ when vm.Seat is { } seat && Sits(seat, c.Host, c.Incarnation)
                                                                  => Accept(new HostLost(PlanOf(vm), c.At)),
        _                                                         => No(Fault.StaleReport),
    };

    // Only here does a VM leave a lost host: a later life of the host is the one proof that the old copy is dead.
    public static Decision HostDead(VmState vm, ConfirmFence c) => vm switch
    {
        Orphaned s when Outlived(s.Seat, c)                       => Accept(new HostFenced(s.Plan, c.At)),
        Migrating s when Outlived(s.From, c)                      => Accept(new HostFenced(PlanOf(vm), c.At)),
        // The destination is dead and the source is silent: it alone can have the guest.
        Migrating s when Outlived(s.To, c) && s.Lost.HasFlag(MigrationEnds.Source)
                                                                  => Accept(new HostLost(PlanOf(vm), c.At)),
        Migrating s when Outlived(s.To, c) && s.Lost == MigrationEnds.None =>
            Accept(new MigrationEndLost(MigrationEnds.Destination, c.At)),
        Migrating                                                 => Done,
        Starting s when Outlived(s.Seat, c)                       => LaunchedNot(s, "its host was fenced", c.At),
        Stopping { Also: { } also } s when Outlived(also, c) && !Outlived(s.Seat, c) => Done,
        _ when vm.Seat is { } seat && Outlived(seat, c)           => Lost(vm, $"host {seat.HostName} was fenced", c.At),
        _                                                         => No(Fault.StaleReport),
    };

    private static Decision AtSeat(VmState vm, ReportGuest r) => (vm, Present(r.State)) switch
    {
        // The guest has run on from that memory, and died with its host: as if it had crashed.
        (Starting { Core.Memory: not null }, GuestState.Down) when r.MemoryGone
                                                     => Ended(vm, VmExitKind.Error, Why(r, "its memory is used up"), r.At),
        (Starting s, GuestState.Down)                => LaunchedNot(s, Why(r, "the guest ended while it started"), r.At),
        (Starting s, GuestState.PoweringUp)          => Accept(new Launched(s.Seat, r.At)),
        (Starting s, GuestState.Up or GuestState.PoweringDown)
                                                     => Accept(new Launched(s.Seat, r.At), new CameUp(s.Seat, r.At)),
        (Starting s, GuestState.Paused)              =>
            Accept(new Launched(s.Seat, r.At), new GuestPaused(Why(r, "paused"), r.At)),
        (PoweringUp s, GuestState.Up)                => Accept(new CameUp(s.Seat, r.At)),
        (Paused s, GuestState.Up)                    => Accept(new CameUp(s.Seat, r.At)),
        (Up or PoweringUp, GuestState.Paused)        => Accept(new GuestPaused(Why(r, "paused"), r.At)),

        (Orphaned s, GuestState.Up or GuestState.PoweringUp or GuestState.PoweringDown or GuestState.MigratingOut)
                                                     => Accept(new Regained(s.Seat, r.At)),
        // Awaited still, where it was to come to: its source is dead, so nothing comes any more. Had it come, it runs.
        (Orphaned s, GuestState.Incoming)            => new Decision.Relay(new VmEffect.AbandonIncoming(s.Seat)),
        (Orphaned s, GuestState.Paused)              =>
            Accept(new Regained(s.Seat, r.At), new GuestPaused(Why(r, "paused"), r.At)),

        (Suspending, GuestState.Saved)               => Accept(new VmEvent.Suspended(r.At)),
        (Suspending { Core.Memory: { } memory }, GuestState.Up or GuestState.PoweringUp or GuestState.Paused)
            when r.Save == memory.Id && r.SaveError is { } why
                                                     => Accept(new SuspendFailed(why, r.At)),
        (Suspending, not (GuestState.Down or GuestState.HandedOver)) => Done,
        (Stopping, GuestState.Saved)                 => Ended(vm, VmExitKind.Normal, "", r.At),
        // By an order that came too late: nothing knows of that memory any more.
        (_, GuestState.Saved)                        => Ended(vm, VmExitKind.Error, Unasked, r.At),

        // An agent that was away tells of a guest that has left as of one that is gone: it may be elsewhere.
        (_, GuestState.Down) when r.Exit.Kind == VmExitKind.Error
                                                     => Lost(vm, Why(r, "the guest ended"), r.At),
        (Stopping, GuestState.Down)                  => Ended(vm, VmExitKind.Normal, r.Exit.Message, r.At),
        (_, GuestState.Down)                         => Ended(vm, r.Exit.Kind, Why(r, "the guest ended"), r.At),
        (Stopping { Also: not null }, GuestState.HandedOver) => Accept(new MigrationDone(r.Migration, r.At)),
        (_, GuestState.HandedOver) when Named(vm, r) is { } other => CameToBe(vm, other, r),
        (_, GuestState.HandedOver) when vm.Core.Elsewhere is not null =>
            Accept(new MigrationDone(r.Migration, r.At)),
        // Moved away by someone else than us: it may run anywhere, so nothing is started on its behalf.
        (_, GuestState.HandedOver)                   =>
            Accept(new WentDown(new VmExit(VmExitKind.Error, "left its host unasked"), r.At)),
        _                                            => Done,
    };

    private static Decision AtOther(VmState vm, Seat other, ReportGuest r) => r.State switch
    {
        GuestState.Up or GuestState.PoweringUp => WithoutSource(vm, CameToBe(vm, other, r)),
        _                                      => Stray(r),
    };

    /// <summary>It runs there: what may have stayed at the seat, paused because its hypervisor could not know, never runs again.</summary>
    private static Decision WithoutSource(VmState vm, Decision decision) =>
        decision is Decision.Accept accept && vm.Seat is { } seat
            ? accept with { Then = [.. accept.Then, new VmEffect.Destroy(seat.Host, seat.Lease)] }
            : decision;

    /// <summary>A migration that was given up came to be all the same: the guest is there, and no longer at the seat.</summary>
    private static Decision CameToBe(VmState vm, Seat other, ReportGuest r) => vm switch
    {
        Stopping s when (s.Also ?? s.Core.Elsewhere) == other => Accept(new MigrationDone(r.Migration, r.At)),
        Stopping s                             => new Decision.Relay(new VmEffect.Halt(other, s.Mode)),
        Migrating s                            =>
            new Decision.Accept(new MigrationAbandoned(Overtaken, r.At), new Regained(other, r.At))
            {
                Then = [new VmEffect.AbandonIncoming(s.To)],
            },
        MigrationPlacing                       => Accept(new MigrationAbandoned(Overtaken, r.At), new Regained(other, r.At)),
        _ when vm.Core.Elsewhere == other      => Accept(new MigrationDone(r.Migration, r.At), new Regained(other, r.At)),
        _                                      => Accept(new Regained(other, r.At)),
    };

    /// <summary>The place to which the source says that it handed the guest over, by a migration that was given up.</summary>
    private static Seat? Named(VmState vm, ReportGuest r) =>
        r.Move is { } move ? vm.Core.Others().FirstOrDefault(o => o.Lease == move) : null;

    private static Decision FromSource(Migrating s, ReportGuest r) => r.State switch
    {
        GuestState.HandedOver when Named(s, r) is { } other => CameToBe(s, other, r),
        GuestState.HandedOver                        => Accept(new MigrationDone(r.Migration, r.At)),
        GuestState.MigratingOut when !s.Begun && Speaks(s, r, otherwise: true)
                                                     => Accept(new MigrationBegun(r.At)),
        GuestState.MigratingOut when r.Progress is { } progress && Speaks(s, r, otherwise: s.Begun) && progress != s.Progress
                                                     => Accept(new MigrationAdvanced(progress)),
        // It never set out, or has turned back.
        GuestState.Up or GuestState.PoweringUp or GuestState.Paused or GuestState.MigrationFailed
            when s.Cancelled                         => Abandoned(s, Cancelled, r.At),
        // An agent of 0.1.0 does not say which one failed: before the source moves, it still tells of an earlier one.
        GuestState.MigrationFailed when Speaks(s, r, otherwise: s.Begun)
                                                     => r.Hopeless || !TriesElsewhere(s)
                                                         ? Abandoned(s, Why(r, "the migration failed"), r.At)
                                                         : Failed(s, Why(r, "the migration failed"), r.At),
        GuestState.Up or GuestState.PoweringUp or GuestState.Paused or GuestState.MigrationFailed
            when s.Lost != MigrationEnds.None        => TriesElsewhere(s)
                                                         ? Failed(s, "one end was silent", r.At)
                                                         : Abandoned(s, "one end was silent", r.At),
        // Seen by nobody, it may have left before it was gone: only the destination can have it now.
        GuestState.Down when r.Exit.Kind == VmExitKind.Error
                                                     => Accept(new HostFenced(PlanOf(s), r.At)),
        GuestState.Down                              => Ended(s, r.Exit.Kind, Why(r, "the guest ended"), r.At),
        GuestState.Saved                             => Ended(s, VmExitKind.Error, Unasked, r.At),
        _                                            => Done,
    };

    /// <summary>Whether the source speaks of this migration and not of one before it.</summary>
    private static bool Speaks(Migrating s, ReportGuest r, bool otherwise) =>
        r.Move is { } move ? move == s.To.Lease : otherwise;

    /// <summary>As oVirt does: not to another host than the one that was asked for, and to so many hosts at most.</summary>
    internal static bool TriesElsewhere(Migrating s) =>
        s is { Cancelled: false, Wanted: null } && s.Tried.Length + 1 < HostsTriedAtMost;

    private static Decision Failed(Migrating s, string reason, DateTimeOffset at) =>
        new Decision.Accept(new MigrationFailed(reason, at))
        {
            Then = [new VmEffect.AbandonIncoming(s.To)],
        };

    private static Decision Abandoned(Migrating s, string reason, DateTimeOffset at) =>
        new Decision.Accept(new MigrationAbandoned(reason, at))
        {
            Then = [new VmEffect.AbandonIncoming(s.To)],
        };

    private static Decision FromDestination(Migrating s, ReportGuest r) => r.State switch
    {
        // While the source can still speak its word is awaited: it brings libvirt's figures. A guest that is paused
        // here may not have arrived yet, so it proves nothing of the source.
        GuestState.Up or GuestState.PoweringUp when s.Lost == MigrationEnds.Source
                                                     => Accept(new MigrationDone(r.Migration, r.At)),
        // Heard again: it is not lost, and the guest is here.
        GuestState.Up or GuestState.PoweringUp when s.Lost.HasFlag(MigrationEnds.Destination)
                                                     => Accept(
                                                            new MigrationDone(r.Migration, r.At),
                                                            new Regained(s.To, r.At)),
        GuestState.Down when s.Lost.HasFlag(MigrationEnds.Source)
                                                     => Accept(new HostLost(PlanOf(s), r.At)),
        _                                            => Done,
    };

    private static Decision AlsoEnded(Stopping s, ReportGuest r) =>
        r.State is GuestState.Down or GuestState.Saved ? Done : new Decision.Relay(new VmEffect.Halt(s.Also!, s.Mode));

    /// <summary>A word of before its end may come after the word of its end, by way of another node: its host is asked once more.
    /// </summary>
    private static Decision Back(ReportGuest r)
    {
        var seat = new Seat(r.Host, r.HostName, r.Incarnation, r.Lease);
        return new Decision.Accept(new Regained(seat, r.At)) { Then = [new VmEffect.AskWhetherGone(seat)] };
    }

    private static Decision LaunchedNot(Starting s, string reason, DateTimeOffset at) =>
        s.Cause != StartCause.User || s.Tried.Length + 1 < HostsTriedAtMost ? Accept(new LaunchFailed(s.Seat, reason, at))
        : s.Core.Memory is not null ? Accept(new ResumeFailed(reason, at))
        : Accept(new WentDown(new VmExit(VmExitKind.Error, reason), at));

    /// <summary>HA brings back what ended by fault, never what was asked to end or ended by itself in order.</summary>
    private static Decision Ended(VmState vm, VmExitKind kind, string message, DateTimeOffset at) =>
        vm is Stopping { Again: true } ? Accept(new WentDown(new VmExit(kind, message), at), new StartedAgain(at))
        : kind == VmExitKind.Error && PlanOf(vm) == OrphanPlan.Restart
            ? Accept(new RestartQueued(message, at))
            : Accept(new WentDown(new VmExit(kind, message), at));

    /// <summary>The seat's copy is dead or gone, and nobody saw how. A migration may have brought the guest elsewhere.</summary>
    private static Decision Lost(VmState vm, string how, DateTimeOffset at) => vm switch
    {
        Stopping s when (s.Also ?? s.Core.Elsewhere) is not null => Accept(new MigrationDone(null, at)),
        Stopping                                     => Ended(vm, VmExitKind.Normal, "", at),
        _ when vm.Core.Elsewhere is not null         => Accept(new HostFenced(PlanOf(vm), at)),
        _                                            => Ended(vm, VmExitKind.Error, how, at),
    };

    private static OrphanPlan PlanOf(VmState vm) => vm switch
    {
        Orphaned s                                   => s.Plan,
        Stopping                                     => OrphanPlan.StayDown,
        _ when vm.Config.HighlyAvailable             => OrphanPlan.Restart,
        _                                            => OrphanPlan.StayDown,
    };

    private static bool Is(Seat seat, ReportGuest r) => seat.Lease == r.Lease && seat.Host == r.Host;

    private static bool Means(Seat seat, ReportMissing r) =>
        seat.Host == r.Host && seat.Lease == r.Lease;

    /// <summary>At the seat, the memory of a failed migration is just a guest that runs.</summary>
    private static GuestState Present(GuestState state) =>
        state == GuestState.MigrationFailed ? GuestState.Up : state;

    private static bool Sits(Seat seat, HostId host, long incarnation) =>
        seat.Host == host && seat.Incarnation <= incarnation;

    private static bool Outlived(Seat seat, ConfirmFence c) =>
        seat.Host == c.Host && seat.Incarnation < c.Incarnation;

    private static bool Runs(ReportGuest r) =>
        Present(r.State) is GuestState.Up or GuestState.PoweringUp or GuestState.Paused;

    internal static string Why(ReportGuest r, string otherwise) =>
        r.Message is { Length: > 0 } said ? said : r.Exit.Message is { Length: > 0 } exit ? exit : otherwise;
}
