using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Cluster;

/// <summary>The shell with this entity's rules in it.</summary>
public static class ClusterActor
{
    public static Rules<ClusterState, ClusterCommand, ClusterEvent, ClusterEffect> Rules { get; } = new(
        Kinds.Cluster, id => ClusterDecider.Initial(new ClusterId(id)), ClusterDecider.Decide, ClusterDecider.Evolve,
        ClusterDecider.Outstanding, ClusterStory.View, ClusterStory.Line, ClusterStory.Jobs)
    {
        Copied = false,
        Words = ClusterWords.All,
    };

    public static Props Props(Guid id, Func<IHands<ClusterState, ClusterEffect>> hands, ShellSettings settings) =>
        Akka.Actor.Props.Create(() => new EntityActor<ClusterState, ClusterCommand, ClusterEvent, ClusterEffect>(
            Rules, id, hands(), settings));
}
