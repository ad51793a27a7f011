using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

namespace Orchestrator.Tests.Deciders;

/// <summary>How many guests move at a time. Each host has room for a hundred; VM n runs on the host that its ask names.</summary>
public sealed class MigrationQueueTests
{
    private const long Unit = 1 << 30;
    private static readonly DateTimeOffset _start = Making.Start;
    private readonly List<ClusterEffect> _said = [];
    private ClusterState _cluster = ClusterDecider.Initial(new ClusterId(Making.Id(0)));

    public MigrationQueueTests()
    {
        Take(new ClusterCommand.Create(Origin.System(Making.Id(9), _start), new ClusterConfig { Name = "c", DataCenter = default }));
        for (var host = 1; host <= 3; host++) Report(host);
        for (var beat = 0; beat < Room.ReportsAwaited; beat++) Take(new ClusterCommand.Beat());
    }

    [Fact]
    public void Two_leave_a_host_and_the_third_waits_until_one_has_left()
    {
        Ask(1, from: 1, to: 2);
        Ask(2, from: 1, to: 2);
        Ask(3, from: 1, to: 3);
        Assert.Equal([1, 2], Offered());
        Report(1, Guest(1, leaving: true), Guest(2, leaving: true), Guest(3));
        Report(2, Guest(1, arriving: true, lease: 2), Guest(2, arriving: true, lease: 2));
        Assert.Empty(Offered());
        Report(1, Guest(2, leaving: true), Guest(3));
        Assert.Equal([3], Offered());
    }

    [Fact]
    public void Two_are_taken_by_a_host_and_the_next_goes_elsewhere_or_waits()
    {
        Report(3, Guest(98, arriving: true), Guest(99, arriving: true));
        Ask(1, from: 1, to: 3);
        Assert.Empty(Offered());
        Ask(2, from: 1);
        Assert.Equal([2], Offered());
        Report(3, Guest(98), Guest(99, arriving: true));
        Assert.Equal([1], Offered());
    }

    /// <summary>The destination speaks first: its word alone shows that the guest leaves its source.</summary>
    [Fact]
    public void What_only_the_destination_has_said_yet_counts_at_the_source()
    {
        Report(1, Guest(1), Guest(2), Guest(3));
        foreach (var vm in (int[])[1, 2]) Ask(vm, from: 1, to: 2);
        Assert.Equal([1, 2], Offered());
        Report(2, Guest(1, arriving: true, lease: 2), Guest(2, arriving: true, lease: 2));
        Ask(3, from: 1, to: 3);
        Assert.Empty(Offered());
    }

    [Fact]
    public void Who_asked_first_goes_first_and_asking_again_changes_nothing()
    {
        Report(1, Guest(2), Guest(3), Guest(4), Guest(5));
        foreach (var vm in (int[])[5, 4, 3]) Ask(vm, from: 1, to: vm < 4 ? 3 : 2);
        Take(new ClusterCommand.Beat());
        Ask(2, from: 1, to: 3);
        Assert.Equal([5, 4], Offered());
        Report(2, Guest(5, arriving: true, lease: 2), Guest(4, arriving: true, lease: 2));
        Ask(2, from: 1, to: 3);
        Ask(3, from: 1, to: 3);
        Assert.Empty(Offered());
        Report(2, Guest(5, lease: 2), Guest(4, arriving: true, lease: 2));
        Report(1, Guest(2), Guest(3), Guest(4, leaving: true));
        Assert.Equal([3], Offered());
    }

    [Fact]
    public void Who_asks_no_more_waits_no_more()
    {
        foreach (var vm in (int[])[1, 2, 3]) Ask(vm, from: 1);
        Report(1, Guest(1, leaving: true), Guest(2, leaving: true), Guest(3));
        _said.Clear();
        for (var beat = 0; beat <= RestartQueue.AskHolds; beat++) Take(new ClusterCommand.Beat());
        Report(1, Guest(3));
        Assert.Empty(Offered());
    }

    [Fact]
    public void Who_has_no_host_with_room_hears_so_at_once_though_others_are_busy()
    {
        Report(3, Guest(98, arriving: true), Guest(99, arriving: true));
        Ask(1, from: 1, memory: 200);
        var refused = Assert.Single(_said.OfType<ClusterEffect.Refuse>());
        Assert.Equal(3, refused.Reasons.Length);
    }

    [Fact]
    public void An_offer_says_how_the_guest_is_moved()
    {
        Ask(1, from: 1);
        Assert.Equal(MigrationPolicy.MinimalDowntime.Id, Assert.Single(_said.OfType<ClusterEffect.Offer>()).Terms?.Policy);
    }

    private static HostId Host(int n) => new(Making.Id(n));

    private static VmId Vm(int n) => new(Making.Id(100 + n));

    private static GuestShare Guest(int vm, bool leaving = false, bool arriving = false, int lease = 1) =>
        new(Vm(vm), new Lease(lease), Unit) { Leaving = leaving, Arriving = arriving };

    private void Report(int host, params GuestShare[] guests) => Take(new ClusterCommand.ReportHost(
        new HostReport(Host(host), $"host-{host}", 1, true, true, 8, 100 * Unit, [.. guests]), _start));

    private void Ask(int vm, int from, int? to = null, long memory = 1) => Take(new ClusterCommand.Place(
        Vm(vm), new Lease(1), new VmShape($"vm-{vm}", memory * Unit, 1, 1, [], false), [Host(from)],
        to is { } host ? Host(host) : null, _start)
    {
        Move = new Move(Host(from), new MigrationOptions(), null),
    });

    private int[] Offered()
    {
        var vms = _said.OfType<ClusterEffect.Offer>().Select(o => Enumerable.Range(1, 9).Single(n => Vm(n) == o.Vm)).ToArray();
        _said.Clear();
        return vms;
    }

    private void Take(ClusterCommand command)
    {
        switch (ClusterDecider.Decide(_cluster, command))
        {
            case Decision.Accept accept:
                _cluster = accept.Facts.Aggregate(_cluster, ClusterDecider.Evolve);
                _said.AddRange(accept.Then);
                break;
            case Decision.Relay relay:
                _said.AddRange(relay.Effects);
                break;
        }
    }
}
