using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmState;

namespace Orchestrator.Tests.Deciders;

/// <summary>
/// An order to migrate that was given up may still be on its way. Whatever is ordered after it, the guest is looked for
/// at every place where it may be, before it starts anywhere else.
/// </summary>
public sealed class GivenUpMigrations
{
    private static readonly HostId _a = new(Making.Id(0)), _b = new(Making.Id(1)), _c = new(Making.Id(2));
    private static readonly DateTimeOffset _at = Making.Start;
    private int _job;

    [Fact]
    public void The_one_that_came_to_be_is_found_though_another_was_ordered_and_given_up_after_it()
    {
        var vm = Take(GivenUpTwice(), Guest(_a, 1, GuestState.HandedOver, move: 2));
        Assert.Equal(_b, Assert.IsType<Up>(vm).Seat.Host);
        Assert.Empty(vm.Core.Others());
    }

    [Fact]
    public void The_one_that_came_to_be_ends_the_one_that_is_under_way()
    {
        var vm = Order(GivenUp(Running(), _b), _c);
        var decision = Assert.IsType<Decision<VmEvent, VmEffect>.Accept>(VmDecider.Decide(vm, Guest(_b, 2, GuestState.Up)));
        Assert.Equal(new Lease(3), Assert.IsType<VmEffect.AbandonIncoming>(decision.Then[0]).To.Lease);
        Assert.Equal(new VmEffect.Destroy(_a, new Lease(1)), decision.Then[1]);
        Assert.Equal(_b, Assert.IsType<Up>(Take(vm, Guest(_b, 2, GuestState.Up))).Seat.Host);
    }

    /// <summary>The network broke in the last moment of a migration: the source's hypervisor gave up, and cannot know that the
    /// guest has gone on. Its copy stands still, and must never run again.</summary>
    [Fact]
    public void Where_it_runs_is_true_and_what_stayed_at_the_source_is_ended()
    {
        var vm = GivenUp(Running(), _b);
        var decision = Assert.IsType<Decision<VmEvent, VmEffect>.Accept>(VmDecider.Decide(vm, Guest(_b, 2, GuestState.Up)));
        Assert.Equal(new VmEffect.Destroy(_a, new Lease(1)), Assert.Single(decision.Then));
        Assert.Equal(_b, Assert.IsType<Up>(Take(vm, Guest(_b, 2, GuestState.Up))).Seat.Host);
    }

    [Fact]
    public void When_the_source_is_fenced_each_destination_is_asked_before_the_guest_starts_again()
    {
        var vm = Take(GivenUpTwice(), new ConfirmFence(_a, 2, _at));
        Assert.Equal(_c, Assert.IsType<Orphaned>(vm).Seat.Host);
        vm = Take(vm, new ReportMissing(_c, new Lease(3), _at));
        Assert.Equal(_b, Assert.IsType<Orphaned>(vm).Seat.Host);
        vm = Take(vm, new ReportMissing(_b, new Lease(2), _at));
        Assert.IsType<Placing>(vm);
    }

    [Fact]
    public void A_stop_ends_the_guest_wherever_it_is()
    {
        var vm = Take(GivenUpTwice(), new Stop(By()));
        vm = Take(vm, Guest(_a, 1, GuestState.HandedOver));
        Assert.Equal(_c, Assert.IsType<Stopping>(vm).Seat.Host);
        vm = Take(vm, new ReportMissing(_c, new Lease(3), _at));
        Assert.Equal(_b, Assert.IsType<Stopping>(vm).Seat.Host);
        Assert.IsType<Down>(Take(vm, Guest(_b, 2, GuestState.Down)));
    }

    /// <summary>The source's agent refuses what was ordered before the newest: nothing is kept for ever.</summary>
    [Fact]
    public void The_word_that_a_later_one_has_begun_ends_all_earlier_ones()
    {
        var vm = Take(Order(GivenUp(Running(), _b), _c), Guest(_a, 1, GuestState.MigratingOut, move: 3));
        Assert.Empty(vm.Core.Others());
    }

    private VmState GivenUpTwice() => GivenUp(GivenUp(Running(), _b), _c);

    private VmState Running()
    {
        VmState vm = VmDecider.Initial(new VmId(Making.Id(0)));
        vm = Take(vm, new Create(By(), new VmConfig
        {
            Name = "web",
            Cluster = new ClusterId(Making.Id(0)),
            Memory = 1,
            HighlyAvailable = true,
        }));
        vm = Take(vm, new Start(By()));
        vm = Take(vm, new OfferHost(_a, "a", 1, vm.Core.Lease, _at));
        return Take(vm, Guest(_a, 1, GuestState.Up));
    }

    private VmState Order(VmState vm, HostId to)
    {
        vm = Take(vm, new Migrate(By(), to, Force: false));
        return Take(vm, new OfferHost(to, to == _b ? "b" : "c", 1, vm.Core.Lease, _at));
    }

    private VmState GivenUp(VmState vm, HostId to)
    {
        vm = Order(vm, to);
        return Take(vm, new RefuseMigration(vm.Core.Lease, "no", _at));
    }

    private Origin By() => new(new JobId(Making.Id(++_job)), null, "admin@internal", _at);

    private static ReportGuest Guest(HostId host, long lease, GuestState state, long? move = null) =>
        new(host, "host", 1, new Lease(lease), state, VmExit.Never, null, null, _at)
        {
            Move = move is { } to ? new Lease(to) : null,
        };

    private static VmState Take(VmState vm, VmCommand command) =>
        Assert.IsType<Decision<VmEvent, VmEffect>.Accept>(VmDecider.Decide(vm, command)).Facts.Aggregate(vm, VmDecider.Evolve);
}
