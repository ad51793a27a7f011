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

    /// <summary>Names of the hosts that it cannot lose, as far as an alert said so.</summary>
    public ImmutableArray<string> Irreplaceable { get; init; } = [];

    /// <summary>The hosts that may be fenced at present, each in one attempt.</summary>
    public ImmutableArray<FenceTurn> FenceTurns { get; init; } = [];

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}
