namespace Orchestrator.Actors.DataCenter;

/// <summary>A data center as lists, searches and clients see it. Its status follows from its storage domains and
/// hosts and is computed by the reader.</summary>
public sealed record DataCenterView
{
    public required DataCenterId Id { get; init; }

    public required DataCenterConfig Config { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}
