using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>File systems of guests that a client freezes, for a backup of its own, say. Each order names the lease of the guest and
/// the owner's epoch, as all others do.</summary>
/// <param name="take">Judges an order as any other: epoch, then the ledger.</param>
public sealed class FileSystems(
    IHypervisor hypervisor, Func<Stamp, Guid, Func<LeaseRecord?, GuestReport?, Verdict>, Action, Action?, AgentAnswer> take)
{
    public async Task<AgentAnswer> Take(Guid vm, FileSystemsOrder order)
    {
        var answer = take(order.Stamp, vm, (known, guest) => OrderGuard.FileSystems(known, order.Lease, guest), static () => { }, null);
        if (answer is not AgentAnswer.Accepted) return answer;
        try
        {
            await hypervisor.FileSystems(new GuestKey(vm, order.Lease), order.Act);
            return answer;
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
        {
            return new AgentAnswer.Refused(new AgentRefusal(RefusalCode.Failed, e.Message));
        }
    }
}
