using System.Net.WebSockets;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;

namespace Orchestrator.Host.Node;

/// <summary>
/// Consoles by this node's own lines to agents, straight or by way of another node: whichever node a browser came to. Each order
/// names the epoch of the host's owner and the lease of the guest, and the agent refuses those of former ones.
/// </summary>
/// <param name="straight">The line to the agent at an address.</param>
/// <param name="around">Those by way of other nodes.</param>
internal sealed class ConsoleWays(IReadModel read, IOwners owners, Func<Uri, AgentClient> straight, Func<Uri, IEnumerable<AgentWay>> around) : IConsoles
{
    /// <summary>A way that does not answer in this time is left for the next.</summary>
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(2);

    public async Task<ConsoleAddress?> Find(GuestPlace guest, CancellationToken cancel)
    {
        var report = await Asked(async agent => await agent.Report(cancel), guest, cancel);
        return report.Guests.FirstOrDefault(g => g.Vm == guest.Vm.Value && g.Lease == guest.Lease)?.Console;
    }

    public async Task<ConsoleAddress> SetTicket(GuestPlace guest, string password, TimeSpan validity, CancellationToken cancel)
    {
        var order = new ConsoleTicketOrder(new Stamp(await Epoch(guest.Host, cancel)), guest.Lease, password, (int)validity.TotalSeconds);
        return await Asked(agent => agent.SetTicket(guest.Vm.Value, order, cancel), guest, cancel) switch
        {
            AgentAnswer.Accepted { Receipt.Guest.Console: { } console } => console,
            AgentAnswer.Accepted => throw new ConsoleRefusedException("the VM's host does not say where its screen is shown"),
            AgentAnswer.Refused { Refusal: var refusal } => throw new ConsoleRefusedException(refusal.Message),
            var unknown => throw Away(guest.Host, (unknown as AgentAnswer.Unknown)?.Reason ?? ""),
        };
    }

    public async Task FileSystems(GuestPlace guest, FileSystemsAct act, CancellationToken cancel)
    {
        var order = new FileSystemsOrder(new Stamp(await Epoch(guest.Host, cancel)), guest.Lease, act);
        switch (await Asked(agent => agent.FileSystems(guest.Vm.Value, order, cancel), guest, cancel))
        {
            case AgentAnswer.Refused { Refusal: var refusal }: throw new ConsoleRefusedException(refusal.Message);
            case AgentAnswer.Unknown unknown: throw Away(guest.Host, unknown.Reason);
        }
    }

    public async Task<WebSocket> Open(GuestPlace guest, ConsoleKind kind, CancellationToken cancel)
    {
        var epoch = await Epoch(guest.Host, cancel);
        return await Asked(agent => agent.OpenConsole(guest.Vm.Value, epoch, guest.Lease, kind, cancel), guest, cancel);
    }

    private async Task<long> Epoch(HostId host, CancellationToken cancel) =>
        (await owners.Find(Kinds.Host, host.Value, cancel))?.Epoch ?? throw Away(host, "no node owns the host at this moment");

    private async Task<T> Asked<T>(Func<AgentClient, Task<T>> ask, GuestPlace guest, CancellationToken cancel)
    {
        try
        {
            return await ask(await Reach(guest.Host, cancel));
        }
        catch (AgentUnreachableException e)
        {
            throw Away(guest.Host, e.Message);
        }
        catch (AgentRefusedException e)
        {
            throw new ConsoleRefusedException(e.Refusal.Message);
        }
    }

    /// <summary>The first way by which the agent answers.</summary>
    private async Task<AgentClient> Reach(HostId id, CancellationToken cancel)
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

    private static EntityUnavailableException Away(HostId host, string why) =>
        new($"the agent of host {host} does not answer: {why}", AskAgainAfter);
}
