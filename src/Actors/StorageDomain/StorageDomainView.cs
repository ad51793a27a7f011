namespace Orchestrator.Actors.StorageDomain;

/// <summary>A storage domain as lists, searches and clients see it.</summary>
public sealed record StorageDomainView
{
    public required StorageDomainId Id { get; init; }

    public required StorageDomainConfig Config { get; init; }

    /// <summary>oVirt's status, lower case: locked, unattached, active, maintenance, unknown.</summary>
    public required string Status { get; init; }

    public DataCenterId? DataCenter { get; init; }

    /// <summary>Bytes.</summary>
    public long Available { get; init; }

    /// <summary>Bytes.</summary>
    public long Used { get; init; }

    public string StatusDetail { get; init; } = "";

    public DateTimeOffset CreatedAt { get; init; }

    public JobId? Job { get; init; }
}
