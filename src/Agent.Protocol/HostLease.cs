using System.Collections.Immutable;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// The engine's word that it has heard the host: the host's lease runs on from the moment at which it sent that
/// heartbeat, by its own clock. An order that is late therefore gives no time.
/// </summary>
/// <param name="Host">The host's id in the engine: the name of its lease on the storage.</param>
/// <param name="Heard">The <see cref="HostEvent.Sequence"/> of the newest heartbeat that was heard.</param>
/// <param name="Folder">Where the host keeps its lease on shared storage, the same path on all hosts.</param>
public sealed record RenewalOrder(Stamp Stamp, Guid Host, long Heard, string Folder)
{
    /// <summary>Folders with the metadata of the storage domains that the host must be able to read: it looks after them from
    /// now on, and no longer after others.</summary>
    public ImmutableArray<string> Domains { get => field.IsDefault ? [] : field; init; }
}

/// <summary>By what the host is bound. It ends its guests itself once its lease has ended in both places: with the engine
/// and on the storage.</summary>
/// <param name="LeaseMs">How long each of the two lasts after a renewal, in ms; 0: it is not bound, and nothing follows
/// from its silence.</param>
/// <param name="WatchdogMs">Its watchdog resets the machine when this many ms have passed since the agent last was alive
/// and its lease had not ended; 0: it has none.</param>
/// <param name="Folder">Where the lease on the storage is kept.</param>
/// <param name="Number">Of the newest renewal on the storage that has succeeded.</param>
public sealed record LeaseTerms(int LeaseMs, int WatchdogMs, string Folder, long Number)
{
    /// <summary>How the domains of the order are; null: this agent does not look after any.</summary>
    public ImmutableArray<DomainSight>? Domains { get; init; }

    public static LeaseTerms Unbound { get; } = new(0, 0, "", 0);
}

/// <summary>How a storage domain looks from a host, which reads its metadata every few seconds, past all caches.</summary>
/// <param name="UnreadMs">So long ago the last reading that succeeded began, in ms; of a domain that was never read: since it
/// was first asked for.</param>
/// <param name="Read">It was read at least once since this agent looks after it.</param>
public sealed record DomainSight(string Folder, long UnreadMs, bool Read)
{
    /// <summary>Why the newest reading failed; null: it did not, or has not ended yet.</summary>
    public string? Why { get; init; }
}

/// <summary>What a host has read of another host's lease on shared storage, past all caches.</summary>
/// <param name="OwnHeld">The reader renews its own lease in that folder: the storage is there, and it is the same one.</param>
/// <param name="BootId">Which boot of the other host wrote it; empty: there is no lease that can be read.</param>
public sealed record StorageLeaseReading(bool OwnHeld, string BootId, long Number);
