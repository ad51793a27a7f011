using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Cluster.ClusterEvent;
using static Orchestrator.Actors.Cluster.ClusterState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Cluster;

/// <summary>What a cluster's facts look like from outside.</summary>
public static class ClusterStory
{
    public static ClusterView? View(ClusterState cluster) => cluster is Active s
        ? new ClusterView { Id = s.Core.Id, Config = s.Config, CreatedAt = s.Core.CreatedAt }
        : null;

    public static AuditLine? Line(ClusterState before, ClusterEvent fact, ClusterState after)
    {
        var name = after.Config.Name;
        AuditLine Said(int code, Origin by, string text) => new(
            code, Severity.Normal, text, by.At, by.Correlation, by.User,
            Cluster: after.Core.Id.Value, DataCenter: after.Config.DataCenter.Value);
        return fact switch
        {
            Created e   => Said(809, e.Origin, $"Cluster {name} was added by {e.Origin.User}."),
            Redefined e => Said(811, e.Origin, $"Cluster {name} was updated by {e.Origin.User}."),
            Removed e   => Said(813, e.Origin, $"Cluster {name} was removed by {e.Origin.User}."),
            _           => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(ClusterState before, ClusterEvent fact, ClusterState after) => [];
}
