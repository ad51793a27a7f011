namespace Orchestrator.Agent.Survival;

/// <summary>What stands in a host's lease file.</summary>
/// <param name="Number">Rises with each renewal of one boot.</param>
public sealed record StorageLease(Guid Host, string BootId, long Number);

/// <summary>Leases of hosts on storage that they share, one file per host, read by its neighbours.</summary>
public interface IStorageLeases
{
    /// <summary>Begins the host's own lease in the folder of a storage domain that is there.</summary>
    /// <exception cref="IOException">The folder is not there, or cannot be written.</exception>
    Task Begin(string folder, StorageLease lease);

    /// <summary>Completes when the storage has it. A lease that is not there any more is not begun again: the storage
    /// may be unmounted.</summary>
    /// <exception cref="IOException">It was not written, or nobody knows.</exception>
    Task Renew(string folder, StorageLease lease);

    /// <summary>As it is on the storage now, and not in a cache; null when there is none that can be read.</summary>
    /// <exception cref="IOException">The storage does not answer.</exception>
    Task<StorageLease?> Read(string folder, Guid host);
}
