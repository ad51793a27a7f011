using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>A cluster's answers to VMs that look for a host, and its words to itself. It owes no VM anything: a VM asks again.</summary>
public abstract record ClusterEffect
{
    private ClusterEffect()
    {
    }

    // owed
    /// <summary>Look now and then whether it may lose any one host.</summary>
    public sealed record WatchReserve : ClusterEffect;

    // said once
    public sealed record Offer(VmId Vm, Lease AskedAt, HostId Host, string HostName, long Incarnation) : ClusterEffect
    {
        /// <summary>Of a migration: how it is done.</summary>
        public MigrationTerms? Terms { get; init; }
    }

    /// <summary>Say the next beat in time.</summary>
    public sealed record AwaitBeat : ClusterEffect;

    public sealed record Refuse(VmId Vm, Lease AskedAt, ImmutableArray<string> Reasons) : ClusterEffect;
}
