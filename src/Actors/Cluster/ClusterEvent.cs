namespace Orchestrator.Actors.Cluster;

/// <summary>What happened to a cluster: the journal's vocabulary, and what reports rebuild.</summary>
public abstract record ClusterEvent
{
    private ClusterEvent()
    {
    }

    public sealed record Created(Origin Origin, ClusterConfig Config) : ClusterEvent;

    public sealed record Redefined(Origin Origin, ClusterConfig Config) : ClusterEvent;

    public sealed record Removed(Origin Origin) : ClusterEvent;

    public sealed record HostSeen(HostReport Report, DateTimeOffset At) : ClusterEvent, IUnrecorded;

    public sealed record HostForgotten(HostId Host) : ClusterEvent, IUnrecorded;

    /// <summary>A VM waits for its restart.</summary>
    public sealed record Queued(ClusterCommand.Place Ask) : ClusterEvent, IUnrecorded;

    public sealed record Unqueued(VmId Vm) : ClusterEvent, IUnrecorded;

    /// <summary>The pause in which those that failed together ask is over.</summary>
    public sealed record Gathered : ClusterEvent, IUnrecorded;

    public sealed record Promised(Reservation Reservation) : ClusterEvent, IUnrecorded;
}
