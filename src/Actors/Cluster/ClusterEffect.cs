using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>A cluster's answers to VMs that look for a host, and its word to itself. It owes nothing by itself: a VM asks again.</summary>
public abstract record ClusterEffect
{
    private ClusterEffect()
    {
    }

    public sealed record Offer(VmId Vm, Lease AskedAt, HostId Host, string HostName, long Incarnation) : ClusterEffect;

    /// <summary>Look at the restarts that wait after this time.</summary>
    public sealed record LookAgain(TimeSpan After) : ClusterEffect;

    public sealed record Refuse(VmId Vm, Lease AskedAt, ImmutableArray<string> Reasons) : ClusterEffect;
}
