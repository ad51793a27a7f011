using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;

namespace Orchestrator.Tests.Api;

/// <summary>A host to whose storage a test gives words.</summary>
public sealed class FakeHostStorage : IHostStorage
{
    public StoragePlace? Asked { get; private set; }

    /// <summary>Null: it cannot be looked at.</summary>
    public ImmutableArray<DomainLabel>? Domains { get; set; } = [];

    public Task<ImmutableArray<DomainLabel>> Look(HostId host, StoragePlace place, CancellationToken cancel)
    {
        Asked = place;
        return Domains is { } domains ? Task.FromResult(domains) : throw new HostRefusedException("mount.nfs: access denied");
    }
}
