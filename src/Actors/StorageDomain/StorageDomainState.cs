namespace Orchestrator.Actors.StorageDomain;

/// <summary>What a storage domain is. Images may be made only while it is active.</summary>
public abstract record StorageDomainState(StorageDomainCore Core)
{
    public sealed record Absent(StorageDomainCore Core) : StorageDomainState(Core);

    /// <summary>A host prepares its folder.</summary>
    public sealed record Preparing(StorageDomainCore Core, HostId Host, Guid Work) : StorageDomainState(Core)
    {
        public Opening Opening { get; init; }
    }

    public sealed record Unattached(StorageDomainCore Core) : StorageDomainState(Core);

    /// <summary>A host looks whose its metadata say that it is.</summary>
    public sealed record Activating(
        StorageDomainCore Core, DataCenterId DataCenter, HostId Host, Guid Work, Standing Before) : StorageDomainState(Core);

    public sealed record Active(StorageDomainCore Core, DataCenterId DataCenter) : StorageDomainState(Core);

    /// <summary>To be active, and no host that is up reads it.</summary>
    public sealed record Inactive(StorageDomainCore Core, DataCenterId DataCenter, string Reason) : StorageDomainState(Core);

    public sealed record Maintenance(StorageDomainCore Core, DataCenterId DataCenter) : StorageDomainState(Core);

    /// <summary>A host writes that it is in no data center any more.</summary>
    public sealed record Detaching(StorageDomainCore Core, DataCenterId DataCenter, HostId Host, Guid Work) : StorageDomainState(Core);

    /// <summary>A host deletes it from the storage.</summary>
    public sealed record Wiping(StorageDomainCore Core, HostId Host, Guid Work) : StorageDomainState(Core);

    /// <summary>Its folder could not be prepared; it can only be removed.</summary>
    public sealed record Failed(StorageDomainCore Core, string Reason) : StorageDomainState(Core);

    /// <summary>Removed, and perhaps on the storage still: an import brings it back.</summary>
    public sealed record Forgotten(StorageDomainCore Core) : StorageDomainState(Core);

    public sealed record Gone(StorageDomainCore Core) : StorageDomainState(Core);
}

public sealed record StorageDomainCore(StorageDomainId Id)
{
    public StorageDomainConfig? Config { get; init; }

    /// <summary>Bytes, as last reported.</summary>
    public long Available { get; init; }

    /// <summary>Bytes, as last reported.</summary>
    public long Used { get; init; }

    /// <summary>Why the last step failed; empty: it did not.</summary>
    public string Trouble { get; init; } = "";

    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}
