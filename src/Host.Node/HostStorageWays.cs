using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;

namespace Orchestrator.Host.Node;

/// <summary>A host's storage by this node's own line to its agent.</summary>
internal sealed class HostStorageWays(AgentReach reach) : IHostStorage
{
    public async Task<ImmutableArray<DomainLabel>> Look(HostId host, StoragePlace place, CancellationToken cancel)
    {
        var order = new LookOrder(new Stamp(await reach.Epoch(host, cancel)), place);
        try
        {
            return (await reach.Ask(agent => agent.LookAtStorage(order, cancel), host, cancel)).Domains;
        }
        catch (AgentRefusedException e)
        {
            throw new HostRefusedException(e.Refusal.Message);
        }
    }
}
