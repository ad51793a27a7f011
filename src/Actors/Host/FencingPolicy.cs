using System.Globalization;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Actors.Host;

/// <summary>Why a silent host's power is not cut.</summary>
public enum FenceSkip { Disabled, ConnectivityBroken }

/// <summary>A cluster's word on fencing its hosts, as oVirt's FenceValidator and its fencing_policy have it. Pure.</summary>
public static class FencingPolicy
{
    /// <summary>Hosts that are cut off together fall silent within the beat of their agents of each other: so long the
    /// first of them waits, to see whether it is the only one.</summary>
    public static readonly TimeSpan OthersAwaited = TimeSpan.FromSeconds(2);

    /// <summary>How long to wait before <see cref="Forbids"/> is asked.</summary>
    public static TimeSpan Grace(ClusterConfig cluster) =>
        cluster is { FencingEnabled: true, SkipFencingIfConnectivityBroken: true } ? OthersAwaited : TimeSpan.Zero;

    /// <param name="hosts">All hosts of the cluster, in whatever status.</param>
    /// <param name="unreached">Those of them that are connecting or non_responsive.</param>
    /// <returns>Null when the power may be cut.</returns>
    public static (FenceSkip Why, string Words)? Forbids(ClusterConfig cluster, int hosts, int unreached)
    {
        if (!cluster.FencingEnabled) return (FenceSkip.Disabled, $"fencing is disabled in cluster {cluster.Name}");
        if (!cluster.SkipFencingIfConnectivityBroken || hosts == 0) return null;
        var percent = unreached * 100 / hosts;
        return percent < cluster.BrokenConnectivityThreshold
            ? null
            : (FenceSkip.ConnectivityBroken, string.Create(CultureInfo.InvariantCulture,
                $"{unreached} of {hosts} hosts of cluster {cluster.Name} are not reached, {percent} % (limit "
                + $"{cluster.BrokenConnectivityThreshold} %): the engine itself may be cut off"));
    }
}
