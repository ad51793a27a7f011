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
        for (var host = 1; host <= 3; host++) Report(host, Array.Empty<GuestShare>());
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

    [Fact]
    public void A_migration_goes_to_a_host_with_an_address_in_the_network_of_its_cluster()
    {
        Network("10.78.0.0/24");
        Report(1, "10.78.0.1/24");
        Report(2, "10.77.0.2/24");
        Report(3, "10.77.0.3/24", "10.78.0.3/24");
        Ask(1, from: 1);
        var offer = Assert.Single(_said.OfType<ClusterEffect.Offer>());
        Assert.Equal((Host(3), "10.78.0.3", "10.78.0.0/24"), (offer.Host, offer.Terms!.Address, offer.Terms.Network));
    }

    [Fact]
    public void The_bandwidth_is_that_of_the_slower_end_in_that_network()
    {
        Network("10.78.0.0/24");
        Report(1, "10.78.0.1/24 2000");
        Report(2, "10.77.0.2/24 100", "10.78.0.2/24 800");
        Ask(1, from: 1, to: 2);
        Assert.Equal(50, Assert.Single(_said.OfType<ClusterEffect.Offer>()).Terms!.BandwidthMiB);
    }

    [Fact]
    public void Who_has_no_destination_or_no_source_in_that_network_hears_so()
    {
        Network("10.78.0.0/24");
        Report(1, "10.78.0.1/24");
        Ask(1, from: 1);
        Assert.Contains("host-2: has no address in the migration network 10.78.0.0/24", Refused(), StringComparison.Ordinal);
        Ask(1, from: 2);
        Assert.Equal(
            "host-2: is the source, and has no address in the migration network 10.78.0.0/24; "
            + "host-3: has no address in the migration network 10.78.0.0/24", Refused());
        Network("");
        Ask(1, from: 2);
        Assert.Equal("", Assert.Single(_said.OfType<ClusterEffect.Offer>()).Terms!.Address);
    }

    /// <summary>Its owner has changed, and the new one has not heard the agent yet: that is no reason to refuse.</summary>
    [Fact]
    public void A_source_that_was_not_heard_yet_is_waited_for()
    {
        Network("10.78.0.0/24");
        Report(2, "10.78.0.2/24");
        Take(new ClusterCommand.ReportHost(new HostReport(Host(1), "host-1", 1, false, true, 0, 0, []), _start));
        Ask(1, from: 1);
        Assert.DoesNotContain(_said, s => s is ClusterEffect.Offer or ClusterEffect.Refuse);
        Report(1, "10.78.0.1/24");
        Assert.Equal([1], Offered());
    }

    /// <summary>The offer was lost, and is asked for again: by then the host has no address any more.</summary>
    [Fact]
    public void A_promise_is_not_kept_to_a_host_that_has_lost_its_address()
    {
        Network("10.78.0.0/24");
        for (var host = 1; host <= 3; host++) Report(host, $"10.78.0.{host}/24");
        Ask(1, from: 1);
        var first = Assert.Single(_said.OfType<ClusterEffect.Offer>()).Host;
        _said.Clear();
        Report(first == Host(2) ? 2 : 3, Array.Empty<string>());
        Ask(1, from: 1);
        Assert.NotEqual(first, Assert.Single(_said.OfType<ClusterEffect.Offer>()).Host);
    }

    private void Network(string cidr) => Take(new ClusterCommand.Update(
        Origin.System(Guid.NewGuid(), _start), new ClusterPatch { MigrationNetwork = cidr }));

    private string Refused()
    {
        var reasons = Assert.Single(_said.OfType<ClusterEffect.Refuse>()).Reasons;
        _said.Clear();
        return string.Join("; ", reasons);
    }

    /// <param name="addresses">Each with Mbit/s behind it or not.</param>
    private void Report(int host, params string[] addresses) => Take(new ClusterCommand.ReportHost(
        new HostReport(Host(host), $"host-{host}", 1, true, true, 8, 100 * Unit, [])
        {
            Addresses = [.. addresses.Select(a => a.Split(' ')).Select(a => new HostAddress(a[0], a.Length > 1 ? int.Parse(a[1]) : 0))],
        },
        _start));

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
