using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmState;

namespace Orchestrator.Tests.Deciders;

/// <summary>A VM whose journal was restored from a backup: whatever it was, it is where it runs, and starts nowhere before that is
/// certain.</summary>
public sealed class VmSearchTests
{
    private const long Restoration = 216_000_000;
    private static readonly HostId _c = new(Making.Id(2)), _d = new(Making.Id(3));
    private static readonly DateTimeOffset _at = Making.Start;

    public static TheoryData<string> Phases => [.. VmTable.Phases.Where(p => p.State is not (Absent or Gone)).Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Phases))]
    public void A_guest_under_a_lease_of_the_lost_time_is_the_vm(string phase)
    {
        var vm = Restored(phase);
        var lease = new Lease(vm.Core.Lease.Number + 5);
        var found = Take(vm, Report(_c, lease, GuestState.Up));
        Assert.True(found is Up or Stopping, $"{found}");
        Assert.Equal((_c, lease), (found.Seat!.Host, found.Seat!.Lease));
        // Said again, or late, nothing else comes of it.
        Assert.Equal(found, Take(found, Report(_c, lease, GuestState.Up)));
        Assert.Equal(found, Take(found, new ReportNowhere(Restoration, _at)));
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public void Nothing_is_placed_while_it_is_sought(string phase)
    {
        var vm = Restored(phase);
        foreach (var command in (VmCommand[])
            [
                new Start(By()), new OfferHost(_d, "d", 1, vm.Core.Lease, _at), new ReportMissing(_c, vm.Core.Lease, _at),
                new LoseHost(_c, 1, _at), new ConfirmFence(_c, 9, _at), new ReportUnheard(Restoration, ["d"], _at), new ReportNowhere(Restoration - 1, _at),
                Report(_c, new Lease(vm.Core.Lease.Number + 5), GuestState.Incoming), Report(_d, new Lease(vm.Core.Lease.Number + 4), GuestState.MigratingOut),
            ])
        {
            vm = Take(vm, command);
            Assert.IsType<Sought>(vm);
            Assert.IsType<VmEffect.Seek>(VmDecider.Outstanding(vm)[0]);
        }

        // Nobody runs it for certain, and two hosts have something of it: they are asked before anything else.
        Assert.False(Take(vm, new ReportNowhere(Restoration, _at)) is Down or Placing or VmState.Suspended);
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public void It_is_placed_above_every_lease_of_the_lost_time(string phase)
    {
        var vm = Take(Take(Restored(phase), new ReportNowhere(Restoration, _at)), new Start(By()));
        if (vm is not Placing) return;
        var placed = Take(vm, new OfferHost(_d, "d", 1, vm.Core.Lease, _at));
        Assert.Equal(Lease.Floor(Restoration).Number + 1, placed.Core.Lease.Number);
        Assert.Equal(placed.Core.Lease, placed.Seat!.Lease);
        // From here on a copy of the lost time is one that must not be.
        var late = Report(_c, new Lease(placed.Core.Lease.Number - 1), GuestState.Up);
        Assert.Equal(new VmEffect.Destroy(_c, late.Lease), Assert.Single(((Decision<VmEvent, VmEffect>.Relay)VmDecider.Decide(placed, late)).Effects));
    }

    [Fact]
    public void A_guest_that_is_found_late_is_the_vm_as_long_as_no_other_was_started()
    {
        var vm = Take(Restored("Down"), new ReportNowhere(Restoration, _at));
        Assert.IsType<Down>(vm);
        Assert.Equal(_c, Assert.IsType<Up>(Take(vm, Report(_c, new Lease(9), GuestState.Up))).Seat.Host);
        var waits = Take(vm, new Start(By()));
        Assert.IsType<Up>(Take(waits, Report(_c, new Lease(9), GuestState.Up)));
    }

    [Fact]
    public void Of_two_guests_the_highest_lease_is_the_vm_and_the_lower_one_is_ended()
    {
        var low = Take(Restored("Up"), Report(_c, new Lease(8), GuestState.Up));
        var high = (Decision<VmEvent, VmEffect>.Accept)VmDecider.Decide(low, Report(_d, new Lease(9), GuestState.Up));
        Assert.Equal(new VmEffect.Destroy(_c, new Lease(8)), Assert.Single(high.Then));
        var vm = Take(low, Report(_d, new Lease(9), GuestState.Up));
        Assert.Equal(_d, vm.Seat!.Host);
        Assert.Equal(
            new VmEffect.Destroy(_c, new Lease(8)),
            Assert.Single(((Decision<VmEvent, VmEffect>.Relay)VmDecider.Decide(vm, Report(_c, new Lease(8), GuestState.Up))).Effects));
    }

    [Fact]
    public void A_stop_that_is_asked_while_it_is_sought_ends_it_where_it_is_found()
    {
        var vm = Take(Restored("Down"), new Stop(By()));
        var found = Assert.IsType<Stopping>(Take(vm, Report(_c, new Lease(9), GuestState.Up)));
        Assert.Equal(new VmEffect.Halt(found.Seat, StopMode.PowerOff), Assert.Single(VmDecider.Outstanding(found)));
        Assert.IsType<Down>(Take(vm, new ReportNowhere(Restoration, _at)));
    }

    [Fact]
    public void A_vm_of_the_restored_engine_is_not_sought_again()
    {
        var absent = Take(VmDecider.Initial(new VmId(Making.Id(0))), new TakeUpRestored(Restoration, _at));
        var vm = Take(absent, new Create(By(), new VmConfig { Name = "web", Cluster = new ClusterId(Making.Id(0)) }));
        Assert.Equal(Restoration, vm.Core.Restoration);
        Assert.Null(VmActor.Rules.Restored(vm, Restoration, _at));
        Assert.IsType<TakeUpRestored>(VmActor.Rules.Restored(vm, Restoration + 1, _at));
    }

    private static VmState Restored(string phase) =>
        Take(VmTable.Phases.Single(p => p.Name == phase).State, new TakeUpRestored(Restoration, _at));

    private static ReportGuest Report(HostId host, Lease lease, GuestState state) =>
        new(host, host == _c ? "c" : "d", 1, lease, state, VmExit.Never, null, null, _at);

    private static Origin By() => new(new JobId(Making.Id(77)), null, "admin@internal", _at);

    private static VmState Take(VmState vm, VmCommand command) =>
        VmDecider.Decide(vm, command) is Decision<VmEvent, VmEffect>.Accept accept ? accept.Facts.Aggregate(vm, VmDecider.Evolve) : vm;
}
