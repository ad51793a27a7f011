using System.Net.WebSockets;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;

namespace Orchestrator.Host.Node;

/// <summary>
/// Consoles by this node's own lines to agents: whichever node a browser came to. Each order names the epoch of the host's owner
/// and the lease of the guest, and the agent refuses those of former ones.
/// </summary>
internal sealed class ConsoleWays(AgentReach reach) : IConsoles
{
    public async Task<ConsoleAddress?> Find(GuestPlace guest, CancellationToken cancel)
    {
        var report = await Asked(async agent => await agent.Report(cancel), guest, cancel);
        return report.Guests.FirstOrDefault(g => g.Vm == guest.Vm.Value && g.Lease == guest.Lease)?.Console;
    }

    public async Task<ConsoleAddress> SetTicket(GuestPlace guest, string password, TimeSpan validity, CancellationToken cancel)
    {
        var order = new ConsoleTicketOrder(new Stamp(await reach.Epoch(guest.Host, cancel)), guest.Lease, password, (int)validity.TotalSeconds);
        return await Asked(agent => agent.SetTicket(guest.Vm.Value, order, cancel), guest, cancel) switch
        {
            AgentAnswer.Accepted { Receipt.Guest.Console: { } console } => console,
            AgentAnswer.Accepted => throw new ConsoleRefusedException("the VM's host does not say where its screen is shown"),
            AgentAnswer.Refused { Refusal: var refusal } => throw new ConsoleRefusedException(refusal.Message),
            var unknown => throw AgentReach.Away(guest.Host, (unknown as AgentAnswer.Unknown)?.Reason ?? ""),
        };
    }

    public async Task FileSystems(GuestPlace guest, FileSystemsAct act, CancellationToken cancel)
    {
        var order = new FileSystemsOrder(new Stamp(await reach.Epoch(guest.Host, cancel)), guest.Lease, act);
        switch (await Asked(agent => agent.FileSystems(guest.Vm.Value, order, cancel), guest, cancel))
        {
            case AgentAnswer.Refused { Refusal: var refusal }: throw new ConsoleRefusedException(refusal.Message);
            case AgentAnswer.Unknown unknown: throw AgentReach.Away(guest.Host, unknown.Reason);
        }
    }

    public async Task<WebSocket> Open(GuestPlace guest, ConsoleKind kind, CancellationToken cancel)
    {
        var epoch = await reach.Epoch(guest.Host, cancel);
        return await Asked(agent => agent.OpenConsole(guest.Vm.Value, epoch, guest.Lease, kind, cancel), guest, cancel);
    }

    private async Task<T> Asked<T>(Func<AgentClient, Task<T>> ask, GuestPlace guest, CancellationToken cancel)
    {
        try
        {
            return await reach.Ask(ask, guest.Host, cancel);
        }
        catch (AgentRefusedException e)
        {
            throw new ConsoleRefusedException(e.Refusal.Message);
        }
    }
}
