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

    /// <summary>The silent host may be fenced.</summary>
    public sealed record GiveFenceTurn(HostId Host, long Attempt) : ClusterEffect;

    /// <summary>It waits for its turn.</summary>
    public sealed record DeferFence(HostId Host, long Attempt, string Words) : ClusterEffect;

    /// <summary>Note that a host which had its turn is fenced no more: what a report says is not written with it.</summary>
    public sealed record NoteFenceOver(HostId Host, long Attempt) : ClusterEffect;

    /// <summary>Say the next beat in time.</summary>
    public sealed record AwaitBeat : ClusterEffect;

    public sealed record Refuse(VmId Vm, Lease AskedAt, ImmutableArray<string> Reasons) : ClusterEffect;
}
