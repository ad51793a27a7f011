using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

namespace Orchestrator.Tests.Deciders;

/// <summary>A cluster with hosts of 100 units of memory, and VMs of one unit each that ask to be restarted.</summary>
public sealed class RestartQueueTests
{
    private const long Unit = 1 << 30;
    private static readonly DateTimeOffset _start = Making.Start;

    private readonly List<ClusterEffect> _said = [];
    private bool _beats;
    private ClusterState _cluster = ClusterDecider.Initial(new ClusterId(Making.Id(0)));

    public RestartQueueTests() => Take(new ClusterCommand.Create(
        Origin.System(Making.Id(9), _start), new ClusterConfig { Name = "c", DataCenter = default }));

    [Fact]
    public void The_first_waits_for_those_that_failed_with_it_and_then_the_highest_priority_goes_first()
    {
        Report(1);
        Ask(1, priority: 1);
        Ask(2, priority: 100);
        Ask(3, priority: 50);
        Assert.Empty(Offered());
        Gathered();
        Assert.Equal([2, 3, 1], Offered());
    }

    [Fact]
    public void So_many_are_launched_at_once_on_each_host_and_the_next_when_one_of_them_runs()
    {
        Report(1);
        for (var vm = 1; vm <= RestartQueue.LaunchesAtOnce + 3; vm++) Ask(vm, priority: 100 - vm);
        Gathered();
        var first = Enumerable.Range(1, RestartQueue.LaunchesAtOnce).ToList();
        Assert.Equal(first, Offered());

        // What was promised is launched now: still as many. One of them runs: one more.
        Report(1, [.. first.Select(vm => Guest(vm, launching: true))]);
        Assert.Empty(Offered());
        Report(1, [.. first.Select(vm => Guest(vm, launching: vm != 1))]);
        Assert.Equal([RestartQueue.LaunchesAtOnce + 1], Offered());

        // Another host that has room takes the others meanwhile.
        Report(2);
        Assert.Equal([RestartQueue.LaunchesAtOnce + 2, RestartQueue.LaunchesAtOnce + 3], Offered());
    }

    [Fact]
    public void When_room_comes_back_the_highest_priority_gets_it_whoever_asked_last()
    {
        Report(1, [Guest(99, memory: 100 * Unit)]);
        Later(Room.ReportsAwaited);
        Ask(1, priority: 1);
        Ask(2, priority: 50);
        Gathered();
        Ask(1, priority: 1);
        var refused = Assert.Single(_said.OfType<ClusterEffect.Refuse>());
        Assert.Equal((Vm(1), "host-1: has 0 MiB free of 1024 MiB asked"), (refused.Vm, Assert.Single(refused.Reasons)));

        Report(1, [Guest(99, memory: 99 * Unit)]);
        Assert.Equal([2], Offered());
    }

    [Fact]
    public void No_host_gets_more_than_its_memory()
    {
        Report(1, [Guest(98, memory: 97 * Unit)]);
        Report(2, [Guest(99, memory: 98 * Unit)]);
        for (var vm = 1; vm <= 9; vm++) Ask(vm, priority: vm);
        Gathered();
        Assert.Equal([9, 8, 7, 6, 5], Offered(out var hosts));
        Assert.Equal((3, 2), (hosts.Count(h => h == Host(1)), hosts.Count(h => h == Host(2))));
    }

    [Fact]
    public void Who_asks_no_more_waits_no_more()
    {
        Ask(1, priority: 1);
        Gathered();
        Later(RestartQueue.AskHolds);
        Report(1);
        Assert.Empty(Offered());
        Assert.Empty(Assert.IsType<ClusterState.Active>(_cluster).Room.Restarts);
    }

    /// <summary>Hosts and VMs live on nodes of their own: the clock of one may be minutes behind that of another.</summary>
    [Fact]
    public void No_clock_but_its_own_beat_counts()
    {
        Report(1);
        Take(Place(1, 1) with { At = _start.AddHours(-1) });
        Gathered();
        Take(new ClusterCommand.ReportHost(
            new HostReport(Host(2), "host-2", 1, true, true, 64, 0, []), _start.AddHours(1)));
        Assert.Equal([1], Offered());
    }

    [Fact]
    public void It_beats_while_somebody_waits_and_no_longer()
    {
        Report(1);
        Later(Room.ReportsAwaited);
        Assert.False(_beats);
        Ask(1, priority: 1);
        Later(Room.PromiseHolds - 1);
        Assert.True(_beats);
        Later(RestartQueue.Gathering + 1);
        Assert.False(_beats);
        Assert.Empty(Assert.IsType<ClusterState.Active>(_cluster).Room.Promised);
    }

    [Fact]
    public void A_cluster_without_hosts_says_so()
    {
        Take(Place(1, 1) with { Restart = false });
        Later(Room.ReportsAwaited);
        Take(Place(1, 1) with { Restart = false });
        Assert.Equal("no host of the cluster has reported", Assert.Single(Assert.Single(_said.OfType<ClusterEffect.Refuse>()).Reasons));
    }

    [Fact]
    public void Asked_again_it_hears_of_the_same_place()
    {
        Report(1);
        Ask(1, priority: 1);
        Gathered();
        Assert.Equal([1], Offered());
        Ask(1, priority: 1);
        Assert.Equal([1], Offered());
        Assert.Empty(Assert.IsType<ClusterState.Active>(_cluster).Room.Restarts);
    }

    [Fact]
    public void Who_is_started_by_a_user_does_not_wait()
    {
        Report(1);
        Ask(1, priority: 100);
        Take(Place(2, 1) with { Restart = false });
        Assert.Equal([2], Offered());
    }

    private static VmId Vm(int number) => new(Making.Id(number));

    private static HostId Host(int number) => new(Making.Id(number));

    private static GuestShare Guest(int vm, bool launching = false, long memory = Unit) =>
        new(Vm(vm), new Lease(2), memory) { Launching = launching };

    private static ClusterCommand.Place Place(int vm, int priority) => new(
        Vm(vm), new Lease(1), new VmShape($"vm-{vm}", Unit, 1, priority, [], false), [], null, _start)
    { Restart = true };

    private void Ask(int vm, int priority) => Take(Place(vm, priority));

    private void Gathered() => Later(RestartQueue.Gathering);

    private void Report(int host, params ImmutableArray<GuestShare> guests) => Take(new ClusterCommand.ReportHost(
        new HostReport(Host(host), $"host-{host}", 1, true, true, 64, 100 * Unit, guests), _start));

    private void Later(long beats)
    {
        for (var beat = 0; beat < beats && _beats; beat++) Take(new ClusterCommand.Beat());
    }

    private void Take(ClusterCommand command)
    {
        if (command is ClusterCommand.Beat) _beats = false;
        switch (ClusterDecider.Decide(_cluster, command))
        {
            case Decision.Accept accept:
                foreach (var fact in accept.Facts) _cluster = ClusterDecider.Evolve(_cluster, fact);
                _said.AddRange(accept.Then);
                if (!accept.Then.Contains(new ClusterEffect.AwaitBeat())) break;
                Assert.False(_beats, "two beats at a time");
                _beats = true;
                break;
            case Decision.Relay relay:
                _said.AddRange(relay.Effects);
                break;
        }
    }

    /// <summary>VMs that were offered a host since this was asked last, in that order.</summary>
    private List<int> Offered() => Offered(out _);

    private List<int> Offered(out List<HostId> hosts)
    {
        var offers = _said.OfType<ClusterEffect.Offer>().ToList();
        _said.Clear();
        hosts = [.. offers.Select(o => o.Host)];
        return [.. offers.Select(o => Enumerable.Range(1, 99).Single(n => Vm(n) == o.Vm))];
    }
}
