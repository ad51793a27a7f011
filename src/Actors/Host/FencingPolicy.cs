using System.Globalization;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Actors.Host;

/// <summary>Why a silent host's power is not cut.</summary>
public enum FenceSkip { Disabled, ConnectivityBroken, StorageActive, Turn }

/// <summary>A cluster's word on fencing its hosts, as oVirt's FenceValidator and its fencing_policy have it. Pure.</summary>
public static class FencingPolicy
{
    /// <summary>Hosts that are cut off together fall silent within the beat of their agents of each other: so long the
    /// first of them waits, to see whether it is the only one.</summary>
    public static readonly TimeSpan OthersAwaited = TimeSpan.FromSeconds(2);

    /// <summary>Two readings of a lease that is renewed every 2 s.</summary>
    public static readonly TimeSpan RenewalAwaited = TimeSpan.FromSeconds(5);

    /// <summary>How long to wait before <see cref="Forbids"/> is asked.</summary>
    /// <param name="bound">The host keeps a lease on the storage.</param>
    public static TimeSpan Grace(ClusterConfig cluster, bool bound) => cluster switch
    {
        { FencingEnabled: false } => TimeSpan.Zero,
        { SkipFencingIfStorageActive: true } when bound => RenewalAwaited,
        { SkipFencingIfConnectivityBroken: true } => OthersAwaited,
        _ => TimeSpan.Zero,
    };

    /// <param name="renews">It was seen to renew its lease on the storage since it fell silent.</param>
    /// <param name="hosts">All hosts of the cluster, in whatever status.</param>
    /// <param name="unreached">Those of them that are connecting or non_responsive.</param>
    /// <returns>Null when the power may be cut.</returns>
    public static (FenceSkip Why, string Words)? Forbids(ClusterConfig cluster, bool renews, int hosts, int unreached)
    {
        if (!cluster.FencingEnabled) return (FenceSkip.Disabled, $"fencing is disabled in cluster {cluster.Name}");
        if (cluster.SkipFencingIfStorageActive && renews)
            return (FenceSkip.StorageActive, "it renews its lease on the storage, so its guests may run well");
        if (!cluster.SkipFencingIfConnectivityBroken || hosts == 0) return null;
        var percent = unreached * 100 / hosts;
        return percent < cluster.BrokenConnectivityThreshold
            ? null
            : (FenceSkip.ConnectivityBroken, string.Create(CultureInfo.InvariantCulture,
                $"{unreached} of {hosts} hosts of cluster {cluster.Name} are not reached, {percent} % (limit "
                + $"{cluster.BrokenConnectivityThreshold} %): the engine itself may be cut off"));
    }
}
