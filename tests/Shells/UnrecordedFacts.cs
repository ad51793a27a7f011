using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using static Orchestrator.Actors.Cluster.ClusterCommand;

namespace Orchestrator.Tests.Shells;

/// <summary>A cluster's picture of its hosts comes from their reports; the journal never sees it.</summary>
public sealed class UnrecordedFacts
{
    private static readonly Guid _id = Web.Cluster.Value;

    private static readonly Create _create = new(
        Web.By(1), new ClusterConfig { Name = "Default", DataCenter = new DataCenterId(Web.Id) });

    private static readonly ReportHost _report = new(
        new HostReport(Web.Host, "host-1", 1, true, true, 8, 64L << 30, []), Web.At);

    private static readonly Place _place = new(
        new VmId(Web.Id), Lease.None, new VmShape("web", 1L << 30, 1, 1, [], false), [], null, Web.At.AddSeconds(1));

    [Fact]
    public void Reports_and_promises_are_taken_in_and_never_written()
    {
        var world = new World();
        var life = world.Begin(ClusterActor.Rules, _id);
        var cluster = life.Wake();
        Assert.IsType<Reply.Accepted>(life.Ask(cluster, _create));
        Assert.Equal(1, Assert.IsType<Reply.AlreadyDone>(life.Ask(cluster, _report)).Version);
        Assert.Equal(1, Assert.IsType<Reply.AlreadyDone>(life.Ask(cluster, _place)).Version);

        Assert.Equal(
            [new ClusterEffect.AwaitBeat(), new ClusterEffect.Offer(new VmId(Web.Id), Lease.None, Web.Host, "host-1", 1)],
            life.Effects);
        var active = Assert.IsType<ClusterState.Active>(life.Story.OfType<Step.Did>().Last().State);
        Assert.True(active.Room.Hosts.ContainsKey(Web.Host));
        Assert.True(active.Room.Promised.ContainsKey(new VmId(Web.Id)));
        Assert.Equal(1, life.Writes);
        Assert.Single(world.Facts);
    }

    [Fact]
    public void A_cluster_that_moved_knows_no_host_until_it_is_told_again()
    {
        var world = new World();
        var before = world.Begin(ClusterActor.Rules, _id);
        var there = before.Wake();
        before.Ask(there, _create);
        before.Ask(there, _report);
        before.Ask(there, _place);
        world.Crash();

        var life = world.Begin(ClusterActor.Rules, _id);
        var cluster = life.Wake();
        Assert.IsType<Reply.AlreadyDone>(life.Ask(cluster, _place));
        Assert.Equal([new ClusterEffect.AwaitBeat()], life.Effects);
        life.Ask(cluster, _report);
        life.Ask(cluster, _place);
        Assert.IsType<ClusterEffect.Offer>(life.Effects.Last());
        Assert.Equal(0, life.Writes);
    }
}
