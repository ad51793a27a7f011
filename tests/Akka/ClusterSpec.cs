using Akka.Actor;
using Akka.Cluster;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

/// <summary>A cluster of one member, in either of the two ways to build.</summary>
public sealed class ClusterSpec() : TestKit(Journal.NewMember("akka.cluster.roles = [front, back]"))
{
    [Fact]
    public void A_member_that_is_up_knows_itself()
    {
        var cluster = BeUp();
        Assert.Equal(MemberStatus.Up, cluster.SelfMember.Status);
        Assert.Equal(cluster.SelfAddress, cluster.SelfMember.Address);
        Assert.Equal(cluster.SelfUniqueAddress, cluster.SelfMember.UniqueAddress);
        Assert.Equal(["back", "front"], cluster.SelfRoles.Order(StringComparer.Ordinal));
        Assert.True(cluster.SelfMember.HasRole("front"));
        Assert.False(cluster.SelfMember.HasRole("side"));
        Assert.Same(Sys, cluster.System);
        Assert.Same(cluster, Cluster.Get(Sys));
        Assert.False(cluster.IsTerminated);
        var state = cluster.State;
        Assert.Equal([cluster.SelfMember], state.Members);
        Assert.Equal(["back", "front"], state.AllRoles.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_callback_for_being_up_runs_once_also_when_it_comes_late()
    {
        var cluster = Cluster.Get(Sys);
        cluster.RegisterOnMemberUp(() => TestActor.Tell("up"));
        ExpectMsg("up", TimeSpan.FromSeconds(20));
        cluster.RegisterOnMemberUp(() => TestActor.Tell("up already"));
        ExpectMsg("up already");
    }

    [Fact]
    public void A_subscription_begins_with_the_state_or_with_its_events()
    {
        var cluster = BeUp();
        cluster.Subscribe(TestActor, typeof(ClusterEvent.IMemberEvent));
        Assert.Equal([cluster.SelfMember], ExpectMsg<ClusterEvent.CurrentClusterState>().Members);
        cluster.Unsubscribe(TestActor);
        var other = CreateTestProbe();
        cluster.Subscribe(
            other.Ref, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp));
        Assert.Equal(cluster.SelfMember, other.ExpectMsg<ClusterEvent.MemberUp>().Member);
        cluster.Unsubscribe(other.Ref, typeof(ClusterEvent.MemberUp));
    }

    [Fact]
    public void Members_are_equal_by_incarnation_and_ordered_by_address()
    {
        var member = BeUp().SelfMember;
        Assert.Equal(0, member.CompareTo(member));
        Assert.Equal(new ClusterEvent.MemberUp(member), new ClusterEvent.MemberUp(member));
        Assert.Equal(MemberStatus.Up, new ClusterEvent.MemberRemoved(member, MemberStatus.Up).PreviousStatus);
        var address = new Address("akka.tcp", "test", "h", 1);
        Assert.Equal(new UniqueAddress(address, 1), new UniqueAddress(address, 1));
        Assert.NotEqual(new UniqueAddress(address, 1), new UniqueAddress(address, 2));
    }

    [Fact]
    public async Task Who_leaves_ends_its_membership_and_its_system()
    {
        var cluster = BeUp();
        await cluster.LeaveAsync();
        await Sys.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(cluster.IsTerminated);
    }

    private Cluster BeUp()
    {
        var cluster = Cluster.Get(Sys);
        AwaitCondition(() => cluster.IsUp, TimeSpan.FromSeconds(20));
        return cluster;
    }
}
