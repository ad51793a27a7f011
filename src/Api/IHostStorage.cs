using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Api;

/// <summary>Storage as a host sees it that no storage domain is made of yet.</summary>
public interface IHostStorage
{
    /// <summary>The domains at a place.</summary>
    /// <exception cref="HostRefusedException">It cannot be looked at, and why.</exception>
    /// <exception cref="EntityUnavailableException">The host does not answer.</exception>
    Task<ImmutableArray<DomainLabel>> Look(HostId host, StoragePlace place, CancellationToken cancel);
}

/// <summary>The host's agent said no, and why.</summary>
public sealed class HostRefusedException(string message) : Exception(message);

/// <summary>No host can be asked.</summary>
public sealed class NoHostStorage : IHostStorage
{
    public Task<ImmutableArray<DomainLabel>> Look(HostId host, StoragePlace place, CancellationToken cancel) =>
        throw new HostRefusedException("this engine asks no host for its storage");
}
