using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;

namespace Orchestrator.Host.Node;

/// <summary>The way from any node to the agent of any host: straight, or by way of another node. Orders name the epoch of the host's
/// owner, so that the agent refuses those of former ones.</summary>
/// <param name="straight">The line to the agent at an address.</param>
/// <param name="around">Those by way of other nodes.</param>
internal sealed class AgentReach(IReadModel read, IOwners owners, Func<Uri, AgentClient> straight, Func<Uri, IEnumerable<AgentWay>> around)
{
    /// <summary>A way that does not answer in this time is left for the next.</summary>
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(2);

    /// <exception cref="EntityUnavailableException">No node owns the host at this moment.</exception>
    public async Task<long> Epoch(HostId host, CancellationToken cancel) =>
        (await owners.Find(Kinds.Host, host.Value, cancel))?.Epoch ?? throw Away(host, "no node owns the host at this moment");

    /// <exception cref="EntityUnavailableException">The agent does not answer.</exception>
    /// <exception cref="AgentRefusedException"/>
    public async Task<T> Ask<T>(Func<AgentClient, Task<T>> ask, HostId host, CancellationToken cancel)
    {
        try
        {
            return await ask(await Find(host, cancel));
        }
        catch (AgentUnreachableException e)
        {
            throw Away(host, e.Message);
        }
    }

    public static EntityUnavailableException Away(HostId host, string why) =>
        new($"the agent of host {host} does not answer: {why}", AskAgainAfter);

    /// <summary>The first way by which the agent answers.</summary>
    private async Task<AgentClient> Find(HostId id, CancellationToken cancel)
    {
        var host = (await read.View<HostView>(Kinds.Host, id.Value, cancel))?.Config ?? throw Away(id, "it is not known");
        var name = host.Address.Contains(':', StringComparison.Ordinal) ? $"[{host.Address}]" : host.Address;
        var address = new Uri($"https://{name}:{host.Port}{host.PathPrefix}");
        AgentUnreachableException? first = null;
        foreach (var agent in around(address).Select(way => (AgentClient)way.Agent).Prepend(straight(address)))
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                limit.CancelAfter(AnswersWithin);
                await agent.Describe(limit.Token);
                return agent;
            }
            catch (AgentUnreachableException e)
            {
                first ??= e;
            }
            catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
            {
                first ??= new AgentUnreachableException("no answer in time", e);
            }

        throw first!;
    }
}
