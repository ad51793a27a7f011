using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent;

/// <summary>One life of a VM on one host.</summary>
public readonly record struct GuestKey(Guid Vm, long Lease)
{
    public override string ToString() => $"{Vm} lease {Lease}";
}

/// <summary>
/// What runs guests. It decides nothing about who may start what: that is the ledger's. Orders for one guest come one
/// after another, except that anything may come while <see cref="Migrate"/> is under way. A task that completes means
/// that the order was carried out; how the guest goes on is told to the <see cref="IGuestWatch"/>.
/// Failures: <see cref="HypervisorException"/>, or <see cref="HypervisorAwayException"/> when the outcome is not known.
/// </summary>
public interface IHypervisor : IAsyncDisposable
{
    AgentDescription Describe(AgentDescription about);

    /// <summary>The host's, at present.</summary>
    ImmutableArray<NetworkAddress> Addresses { get; }

    /// <summary>Connects, tells the watch what is there, and goes on telling. Reconnects by itself later.</summary>
    Task Open(IGuestWatch watch, CancellationToken cancel);

    Task Launch(GuestKey guest, VmDefinition definition);

    /// <summary>Launches the guest from its memory. The file is deleted when the guest is there and before it runs; a guest
    /// whose file cannot be deleted is ended.</summary>
    /// <exception cref="MemoryGoneException">The storage is there and the file is not.</exception>
    Task Restore(GuestKey guest, VmDefinition definition, string memory);

    /// <summary>Completes when the guest has ended and the file is on storage, all of it; throws when the guest runs on.</summary>
    Task Save(GuestKey guest, string memory);

    /// <summary>Of a guest that is not there any more: whether it ended by <see cref="Save"/>, so that the file is all of its memory, on
    /// storage, and nothing has run since it was written. In doubt it is not.</summary>
    Task<bool> IsSaved(GuestKey guest, string memory);

    /// <summary>Plugs and unplugs until the guest has the devices, CPUs and memory of the definition, as far as it can. May be
    /// asked again after any crash.</summary>
    /// <returns>What the guest has then, and why that is not all that was wanted.</returns>
    /// <exception cref="HypervisorException">The guest does not run here; nothing was done.</exception>
    Task<GuestMachine> Reshape(GuestKey guest, VmDefinition definition);

    /// <summary>Power off completes when the guest is gone; shutdown and reboot when the guest was asked.</summary>
    Task Stop(GuestKey guest, StopMode mode);

    Task Pause(GuestKey guest);

    Task Resume(GuestKey guest);

    /// <summary>Whether the disks of a guest that one of them has paused can be used again.</summary>
    Task<bool> StorageWorks(GuestKey guest);

    Task PrepareIncoming(GuestKey guest, VmDefinition definition);

    /// <returns>False when the guest has begun to arrive: too late to give up waiting.</returns>
    Task<bool> AbandonIncoming(GuestKey guest);

    /// <summary>Completes when the guest has left; throws when it stays, <see cref="HopelessMigrationException"/> when it
    /// would not get anywhere else either, and <see cref="PostCopyBrokenException"/> when it is lost.</summary>
    Task Migrate(GuestKey guest, MigrateOrder order);

    Task CancelMigration(GuestKey guest);

    /// <summary>Work on images that its guests have open.</summary>
    IGuestImages Images { get; }

    IGuestConsoles Consoles { get; }

    /// <summary>By the guest's own agent.</summary>
    Task FileSystems(GuestKey guest, FileSystemsAct act);

    HostStatistics Sample();

    /// <summary>What is seen of the host and the guests that run here. Asked from time to time; a guest that is busy may be left
    /// out.</summary>
    Task<HostObservations> Observe();

    /// <summary>The last lines of the guest's serial console, null when there is no log of it.</summary>
    string? ConsoleLog(Guid vm, int lines);
}

/// <param name="Devices">As <see cref="GuestReport.Devices"/>.</param>
/// <param name="Failed">Why it is not all that was wanted; null when it is.</param>
public sealed record GuestMachine(ImmutableArray<string> Devices, int VirtualCpus, long MemoryBytes, string? Failed);

/// <summary>Hears what guests do. May be called from any thread, quickly one after another, in order per guest.</summary>
public interface IGuestWatch
{
    void Changed(GuestReport told);

    /// <summary>The complete list: what the ledger holds open and is not in it, is lost.</summary>
    void Found(ImmutableArray<GuestReport> all);
}

/// <summary>The hypervisor said no; the guest is as it was.</summary>
public sealed class HypervisorException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The guest had gone on at the destination, and the rest of its memory did not follow: neither half can run.</summary>
public sealed class PostCopyBrokenException(string message) : Exception(message);

/// <summary>The memory from which a guest was to go on is not there: it was used, and the guest was not started.</summary>
public sealed class MemoryGoneException(string memory) : Exception($"the saved memory {memory} is not there any more");

/// <summary>The hypervisor went away in the middle: what became of the order shows when it is back.</summary>
public sealed class HypervisorAwayException(string message) : Exception(message);
