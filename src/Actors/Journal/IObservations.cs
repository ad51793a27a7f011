using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Journal;

/// <summary>What was last seen of hosts and their guests. It is no fact and in no journal: whoever reads it gets what some node has
/// seen a moment ago, or nothing.</summary>
public interface IObservations
{
    /// <summary>In place of what was seen before. A guest that is seen on two hosts, in a migration, is the one of the higher lease.</summary>
    Task Put(HostId host, HostObservations seen, CancellationToken cancel);

    /// <summary>Without its guests.</summary>
    Task<HostObservations?> OfHost(HostId host, CancellationToken cancel);

    /// <summary>Those of these VMs that were seen within the last minutes.</summary>
    Task<IReadOnlyDictionary<Guid, GuestObservation>> OfGuests(IReadOnlyCollection<Guid> vms, CancellationToken cancel);
}

/// <summary>Nobody observes.</summary>
public sealed class NoObservations : IObservations
{
    public static NoObservations Instance { get; } = new();

    public Task Put(HostId host, HostObservations seen, CancellationToken cancel) => Task.CompletedTask;

    public Task<HostObservations?> OfHost(HostId host, CancellationToken cancel) => Task.FromResult<HostObservations?>(null);

    public Task<IReadOnlyDictionary<Guid, GuestObservation>> OfGuests(IReadOnlyCollection<Guid> vms, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyDictionary<Guid, GuestObservation>>(new Dictionary<Guid, GuestObservation>());
}
