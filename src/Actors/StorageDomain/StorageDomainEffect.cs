namespace Orchestrator.Actors.StorageDomain;

/// <summary>What a storage domain asks of the world.</summary>
public abstract record StorageDomainEffect
{
    private StorageDomainEffect()
    {
    }

    /// <summary>Have a host make the folder's layout and write who owns it.</summary>
    public sealed record Prepare(HostId Host, Guid Work) : StorageDomainEffect;

    /// <summary>Have a host look at the metadata, and write in which data center it is.</summary>
    public sealed record Open(HostId Host, Guid Work, DataCenterId DataCenter) : StorageDomainEffect;

    /// <summary>Have a host write that it is in no data center.</summary>
    public sealed record Release(HostId Host, Guid Work) : StorageDomainEffect;

    /// <summary>Have a host delete all of it.</summary>
    public sealed record Wipe(HostId Host, Guid Work) : StorageDomainEffect;

    /// <summary>Look from time to time whether the hosts of its data center read it.</summary>
    public sealed record Watch(DataCenterId DataCenter) : StorageDomainEffect;
}
