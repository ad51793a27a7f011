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
        AuditLine Said(int code, Severity severity, DateTimeOffset at, string text, Origin? by = null) => new(
            code, severity, text, at, by?.Correlation, by?.User ?? "system",
            Cluster: after.Core.Id.Value, DataCenter: after.Config.DataCenter.Value);
        return fact switch
        {
            Created e   => Said(809, Severity.Normal, e.Origin.At, $"Cluster {name} was added by {e.Origin.User}.", e.Origin),
            Redefined e => Said(811, Severity.Normal, e.Origin.At, $"Cluster {name} was updated by {e.Origin.User}.", e.Origin),
            Removed e   => Said(813, Severity.Normal, e.Origin.At, $"Cluster {name} was removed by {e.Origin.User}.", e.Origin),
            ReserveMissing e => Said(10300, Severity.Alert, e.At,
                $"Cluster {name} failed the HA reservation check: without host {string.Join(", or without host ", e.Hosts)} its highly "
                + "available VMs would not all find room elsewhere. Add memory or hosts, or stop VMs that are not needed."),
            ReserveRestored e => Said(10301, Severity.Alert, e.At,
                $"Cluster {name} passed the HA reservation check: it can lose any one of its hosts."),
            _           => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(ClusterState before, ClusterEvent fact, ClusterState after) => [];
}
