namespace Orchestrator.Actors.Cluster;

/// <summary>A cluster as lists, searches and clients see it.</summary>
public sealed record ClusterView
{
    public required ClusterId Id { get; init; }

    public required ClusterConfig Config { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}
