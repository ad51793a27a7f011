namespace Orchestrator.Actors.StorageDomain;

/// <summary>What a storage domain is. Images may be made only while it is active.</summary>
public abstract record StorageDomainState(StorageDomainCore Core)
{
    public sealed record Absent(StorageDomainCore Core) : StorageDomainState(Core);

    /// <summary>A host prepares its folder.</summary>
    public sealed record Preparing(StorageDomainCore Core, HostId Host, Guid Work) : StorageDomainState(Core);

    public sealed record Unattached(StorageDomainCore Core) : StorageDomainState(Core);

    public sealed record Active(StorageDomainCore Core, DataCenterId DataCenter) : StorageDomainState(Core);

    public sealed record Maintenance(StorageDomainCore Core, DataCenterId DataCenter) : StorageDomainState(Core);

    /// <summary>Its folder could not be prepared; it can only be removed.</summary>
    public sealed record Failed(StorageDomainCore Core, string Reason) : StorageDomainState(Core);

    public sealed record Gone(StorageDomainCore Core) : StorageDomainState(Core);
}

public sealed record StorageDomainCore(StorageDomainId Id)
{
    public StorageDomainConfig? Config { get; init; }

    /// <summary>Bytes, as last reported.</summary>
    public long Available { get; init; }

    /// <summary>Bytes, as last reported.</summary>
    public long Used { get; init; }

    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}
