using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>What a cluster is, and what it knows of its hosts' room. The room is never journaled: reports rebuild it
/// within seconds after the actor has moved.</summary>
public abstract record ClusterState(ClusterCore Core)
{
    public sealed record Absent(ClusterCore Core) : ClusterState(Core);

    public sealed record Active(ClusterCore Core, Room Room) : ClusterState(Core);

    public sealed record Gone(ClusterCore Core) : ClusterState(Core);
}

public sealed record ClusterCore(ClusterId Id)
{
    public ClusterConfig? Config { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Hosts as last reported, and places promised to VMs that are not yet in a report.</summary>
/// <param name="Since">When the first word arrived: before hosts had time to report, "no room" means nothing.</param>
public sealed record Room(
    DateTimeOffset? Since, ImmutableDictionary<HostId, HostReport> Hosts, ImmutableDictionary<VmId, Reservation> Promised)
{
    public static Room Unknown { get; } = new(
        null, ImmutableDictionary<HostId, HostReport>.Empty, ImmutableDictionary<VmId, Reservation>.Empty);

    /// <summary>VMs to restart that have no host yet.</summary>
    public ImmutableDictionary<VmId, Restart> Restarts { get; init; } = ImmutableDictionary<VmId, Restart>.Empty;

    /// <summary>The first of them has asked a moment ago; those that failed with it are about to.</summary>
    public bool Gathers { get; init; }
}

/// <param name="Ask">The newest one: a VM asks again at every tick, so an old one is of a VM that waits no more.</param>
/// <param name="Since">When it asked first.</param>
public sealed record Restart(ClusterCommand.Place Ask, DateTimeOffset Since);

public sealed record Reservation(VmId Vm, Lease AskedAt, HostId Host, long Memory, int VCpus, DateTimeOffset At);
