using System.Collections.Immutable;

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

    /// <summary>Without one of these hosts its highly available VMs would find no room elsewhere.</summary>
    /// <param name="Hosts">Their names.</param>
    public sealed record ReserveMissing(ImmutableArray<string> Hosts, DateTimeOffset At) : ClusterEvent;

    /// <summary>Any one host may be lost again.</summary>
    public sealed record ReserveRestored(DateTimeOffset At) : ClusterEvent;

    /// <summary>A silent host may be fenced now.</summary>
    public sealed record FenceTurnGiven(HostId Host, FenceWish Wish, DateTimeOffset At) : ClusterEvent;

    /// <summary>Its fencing is over, done or failed.</summary>
    public sealed record FenceTurnEnded(HostId Host, long Attempt, DateTimeOffset At) : ClusterEvent;

    /// <summary>A silent host asked for its turn.</summary>
    public sealed record FenceAwaited(HostId Host, FenceWish Wish) : ClusterEvent, IUnrecorded;

    /// <summary>It waits no more.</summary>
    public sealed record FenceLeft(HostId Host) : ClusterEvent, IUnrecorded;

    public sealed record HostSeen(HostReport Report) : ClusterEvent, IUnrecorded;

    public sealed record HostForgotten(HostId Host) : ClusterEvent, IUnrecorded;

    /// <summary>A VM waits for its restart.</summary>
    public sealed record Queued(ClusterCommand.Place Ask) : ClusterEvent, IUnrecorded;

    /// <summary>A VM waits for a destination.</summary>
    public sealed record QueuedToMove(ClusterCommand.Place Ask) : ClusterEvent, IUnrecorded;

    /// <summary>It was told that there is none.</summary>
    public sealed record Unqueued(VmId Vm) : ClusterEvent, IUnrecorded;

    /// <summary>A VM asked before any host had spoken.</summary>
    public sealed record Woke : ClusterEvent, IUnrecorded;

    public sealed record TimePassed : ClusterEvent, IUnrecorded;

    public sealed record Promised(Reservation Reservation) : ClusterEvent, IUnrecorded;
}
