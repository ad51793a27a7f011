using System.Collections.Immutable;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmDecider;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>
/// The rules of a VM whose journal was restored from a backup: it is sought, and starts nowhere before it is certain where
/// it runs. What was given after the backup lies between the highest lease that the journal knows and the floor of the
/// restoration, from which on new ones are given.
/// <list type="number">
/// <item>A guest that runs under such a lease, or at a place that the journal knows, is the VM's own: the VM is there.</item>
/// <item>A guest that may be on its way, or has stopped for a hand-over, is a place to ask and proves nothing.</item>
/// <item>It runs nowhere when every host has told all that it has, or is proved dead, and nobody has it.</item>
/// </list>
/// </summary>
internal static class VmSearch
{
    /// <summary>Why a VM is down that was running, or was to run, when the backup was made.</summary>
    public const string NotFound = "no host has it after the database was restored from a backup";

    public static Decision Decide(Sought s, VmCommand command) => command switch
    {
        ReportGuest r                                => Heard(s, r),
        ReportNowhere c when c.Restoration == s.Core.Restoration => Accept(new FoundNowhere(c.At)),
        ReportUnheard c when c.Restoration == s.Core.Restoration && s.Then is SoughtPlan.Start or SoughtPlan.Restart =>
            s.Unheard.SequenceEqual(c.Hosts) ? Done : Accept(new SearchDelayed(c.Hosts, c.At)),
        ReportMemoryDeleted r when s.Core.Leftovers.Contains(r.Path) => Accept(new MemoryDeleted(r.Path, r.At)),
        TakeUpRestored c when c.Restoration > s.Core.Restoration => Accept(new BackupRestored(c.Restoration, c.At)),

        Start when s.Stop is not null                => No(Fault.VmSought, Missing(s)),
        // It waits, as one does that waits for room: whoever asks need not ask again when the last host is heard.
        Start when s.Then is SoughtPlan.Start or SoughtPlan.Restart => Done,
        Start { Once: not null } when s.Core.Memory is not null => No(Fault.VmStatusIllegal),
        Start c                                      => Begin(s, c),
        Stop or Shutdown when s.Stop is { Of: null } => Done,
        Stop c                                       => Accept(new StopRequested(c.Origin, StopMode.PowerOff)),
        Shutdown c                                   => Accept(new StopRequested(c.Origin, StopMode.Shutdown)),
        Suspend or Reboot or Reset or Migrate or VmCommand.CancelMigration => No(Fault.VmSought, Missing(s)),
        _                                            => No(Fault.StaleReport),
    };

    /// <summary>A guest that nothing here knows: after a restoration it may have been made since the backup.</summary>
    public static Decision Foreign(Absent vm, ReportGuest r)
    {
        if (vm.Core.Restoration == 0 || !Lives(r)) return Stray(r);
        var seat = SeatOf(r);
        return vm.Core.Foreign == seat ? Done : Accept(new ForeignGuestSeen(seat, vm.Core.Restoration, r.At));
    }

    /// <summary>Given after the backup was made, by the engine that knew more.</summary>
    public static bool IsOfLostTime(VmCore core, Lease lease) => lease > core.Lease && lease <= core.Floor();

    /// <summary>A guest of the lost time of a VM that is not sought any more: it was found elsewhere, or all hosts were taken to
    /// have been heard. The highest lease is the guest; what has stayed behind under a lower one is ended.</summary>
    public static Decision FoundLate(VmState vm, ReportGuest r) => vm switch
    {
        _ when !Runs(r) && (r.State != GuestState.Paused || vm.Seat is not null) => Stray(r),
        Stopping s       => new Decision.Relay(new VmEffect.Halt(SeatOf(r), s.Mode)),
        MigrationPlacing => Ending(vm, new MigrationAbandoned(VmReports.Overtaken, r.At), new Regained(SeatOf(r), r.At)),
        _ when r.State == GuestState.Paused => Ending(vm, new Regained(SeatOf(r), r.At), new GuestPaused(VmReports.Why(r, "paused"), r.At)),
        _                => Ending(vm, new Regained(SeatOf(r), r.At)),
    };

    public static VmState Evolve(VmState vm, VmEvent fact) => (vm, fact) switch
    {
        (_, RestorationSeen e)               => vm with { Core = vm.Core with { Restoration = e.Restoration } },
        (_, ForeignGuestSeen e)              => vm with { Core = vm.Core with { Foreign = e.Seat, Restoration = e.Restoration } },
        (Absent or Gone, BackupRestored)     => vm,
        (Sought s, BackupRestored e)         => s with { Core = s.Core with { Restoration = e.Restoration }, Unheard = [] },
        (_, BackupRestored e)                => Seek(vm, e),
        (Sought s, StartRequested e)         => s with
                                                {
                                                    Core = VmHistory.Asked(s.Core, e.Origin) with
                                                    {
                                                        Job = new Job(e.Origin.Job, $"Launching VM {VmHistory.Name(s.Core)}", e.Origin),
                                                        FailedRestarts = 0,
                                                        Once = s.Core.Memory is null ? e.Once : s.Core.Once,
                                                    },
                                                    Then = SoughtPlan.Start,
                                                },
        (Sought s, StopRequested e)          => s with
                                                {
                                                    Core = VmHistory.Asked(s.Core, e.Origin) with
                                                    {
                                                        Job = new Job(e.Origin.Job, $"Stopping VM {VmHistory.Name(s.Core)}", e.Origin),
                                                    },
                                                    Then = s.Core.Memory is null ? SoughtPlan.StayDown : SoughtPlan.StaySuspended,
                                                    Stop = new StopWish(e.Mode, null),
                                                    Exit = new VmExit(VmExitKind.Normal, ""),
                                                },
        (Sought s, SearchDelayed e)          => s with { Unheard = e.Hosts },
        (Sought s, MayArrive e)              => s with { Core = s.Core.MayBeAt(e.Seat) },
        (Sought s, Regained e)               => Found(s, e),
        (Sought s, FoundNowhere e)           => Settle(s, e.At),
        _                                    => vm,
    };

    private static Decision Heard(Sought s, ReportGuest r)
    {
        if (!Lives(r)) return No(Fault.StaleReport);
        if (!IsOwn(s, r)) return Stray(r);
        var seat = SeatOf(r);
        return r.State is GuestState.Incoming or GuestState.Paused or GuestState.MigratingOut
            ? s.Core.Others().Contains(seat) ? Done : Accept(new MayArrive(seat, r.At))
            : Accept(new Regained(seat, r.At));
    }

    private static bool IsOwn(Sought s, ReportGuest r) =>
        IsOfLostTime(s.Core, r.Lease)
        || s.Known.Any(k => k.Host == r.Host && k.Lease == r.Lease)
        // As without a restoration: who is down by a fault was perhaps not.
        || (s.Known.IsEmpty && s.Exit.Kind == VmExitKind.Error && r.Lease == s.Core.Lease);

    private static Sought Seek(VmState vm, BackupRestored e)
    {
        var core = vm.Core;
        ImmutableArray<Seat> known =
        [
            .. vm.Seat is { } seat ? [seat] : ImmutableArray<Seat>.Empty,
            .. vm is Migrating m ? [m.To] : ImmutableArray<Seat>.Empty,
            .. vm is Stopping { Also: { } also } ? [also] : ImmutableArray<Seat>.Empty,
            .. core.Others(),
        ];
        var ends = vm is Stopping { Again: false };
        return new Sought(
            (ends ? core : VmHistory.Settled(core)).NowhereElse() with { Restoration = e.Restoration, Action = null }, known, PlanOf(vm),
            vm switch
            {
                Down d     => d.Exit,
                _ when ends => new VmExit(VmExitKind.Normal, ""),
                _          => new VmExit(VmExitKind.Error, NotFound),
            })
        {
            Stop = vm is Stopping { Again: false } s ? new StopWish(s.Mode, s.Seat.Lease) : null,
        };
    }

    /// <summary>What it was to become by itself it still is; what a user asked long ago he may have undone since.</summary>
    private static SoughtPlan PlanOf(VmState vm) => vm switch
    {
        Down or Stopping { Again: false }              => SoughtPlan.StayDown,
        VmState.Suspended or Suspending                => SoughtPlan.StaySuspended,
        _ when vm.Core.Memory is not null              => SoughtPlan.StaySuspended,
        Placing { Cause: StartCause.HighAvailability } or Starting { Cause: StartCause.HighAvailability } => SoughtPlan.Restart,
        Placing or Starting                            => SoughtPlan.StayDown,
        Orphaned s                                     => s.Plan == OrphanPlan.Restart ? SoughtPlan.Restart : SoughtPlan.StayDown,
        _ when vm.Config.HighlyAvailable               => SoughtPlan.Restart,
        _                                              => SoughtPlan.StayDown,
    };

    /// <summary>A place under a higher lease may yet get the guest from here; one under a lower lease has lost it.</summary>
    private static VmState Found(Sought s, Regained e)
    {
        var core = s.Core with
        {
            Lease = Higher(s.Core.Lease, e.Seat.Lease),
            Running = s.Core.Running ?? s.Core.Wanted,
            StartedAt = s.Core.StartedAt ?? e.At,
        };
        core = s.Known.Concat(s.Core.Others()).Where(k => k.Lease > e.Seat.Lease).OrderBy(k => k.Lease.Number).Distinct()
            .Aggregate(core.NowhereElse(), (c, k) => c.MayBeAt(k));
        return s.Stop is { } stop && (stop.Of is null || stop.Of == e.Seat.Lease)
            ? new Stopping(core, e.Seat, stop.Mode, null)
            : new Up(VmHistory.Settled(core), e.Seat);
    }

    private static VmState Settle(Sought s, DateTimeOffset at)
    {
        var core = s.Core.WithoutFirst();
        if (s.Core.Elsewhere is { } asked)
            return s.Stop is { } stop
                ? new Stopping(core, asked, stop.Mode, null)
                : new Orphaned(VmHistory.Settled(core), asked, s.Then is SoughtPlan.Restart or SoughtPlan.Start ? OrphanPlan.Restart : OrphanPlan.StayDown);
        core = s.Core with { Running = null };
        return s.Then switch
        {
            SoughtPlan.Start         => new Placing(core, StartCause.User, []),
            SoughtPlan.Restart       => new Placing(core.WithoutMemory() with { FailedRestarts = 0 }, StartCause.HighAvailability, []),
            SoughtPlan.StaySuspended => new VmState.Suspended(VmHistory.Settled(core)),
            _                        => new Down(
                                            VmHistory.Settled(core) with { StoppedAt = s.Core.Running is null ? core.StoppedAt : at }, s.Exit),
        };
    }

    private static Decision Ending(VmState vm, params ImmutableArray<VmEvent> facts) =>
        new Decision.Accept(facts)
        {
            Then = vm.Seat is { } left ? [new VmEffect.Destroy(left.Host, left.Lease)] : [],
        };

    private static bool Runs(ReportGuest r) =>
        r.State is not (GuestState.Incoming or GuestState.Paused or GuestState.MigratingOut) && Lives(r);

    private static bool Lives(ReportGuest r) => r.State is not (GuestState.Down or GuestState.HandedOver or GuestState.Saved);

    private static Seat SeatOf(ReportGuest r) => new(r.Host, r.HostName, r.Incarnation, r.Lease);

    private static Lease Higher(Lease one, Lease other) => one > other ? one : other;

    private static string? Missing(Sought s) => s.Unheard.IsEmpty ? null : $"not heard yet: {string.Join(", ", s.Unheard)}";
}
