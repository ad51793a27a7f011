using System.Globalization;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors.Cluster;

/// <summary>How an operator is told what a cluster is and knows of its hosts. Pure.</summary>
internal static class ClusterWords
{
    public static Words<ClusterState, ClusterCommand, ClusterEffect> All { get; } = new(
        cluster =>
        [
            new("name", cluster.Core.Config?.Name ?? ""),
            .. cluster is ClusterState.Active { Room: var room }
                ? new KeyValuePair<string, string>[]
                {
                    new("hosts that reported", Number(room.Hosts.Count)),
                    new("hosts that take guests", Number(room.Hosts.Values.Count(h => h.TakesGuests))),
                    new("places promised", Number(room.Promised.Count)),
                    new("VMs that wait for their restart", Number(room.Restarts.Count)),
                    new("VMs that wait for their turn to move", Number(room.Moves.Count)),
                    new("hosts that are fenced", Number(cluster.Core.FenceTurns.Length)),
                    new("hosts that wait for their turn to be fenced", Number(FenceQueue.Waiting(cluster))),
                }
                : [],
            .. cluster.Core.Irreplaceable.IsEmpty
                ? []
                : new KeyValuePair<string, string>[] { new("hosts that it cannot lose", string.Join(", ", cluster.Core.Irreplaceable)) },
        ],
        _ => null, _ => null, _ => null, _ => null);

    private static string Number(int count) => count.ToString(CultureInfo.InvariantCulture);
}
