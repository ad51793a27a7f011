namespace Orchestrator.Actors.StorageDomain;

/// <summary>What a storage domain asks of the world.</summary>
public abstract record StorageDomainEffect
{
    private StorageDomainEffect()
    {
    }

    /// <summary>Have a host make the folder's layout and write who owns it.</summary>
    public sealed record Prepare(HostId Host, Guid Work) : StorageDomainEffect;
}
