using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Transfer;

/// <summary>Which clients of image transfers this host lets in.</summary>
public interface ITickets
{
    /// <summary>Where they come in; 0: nowhere.</summary>
    int Port { get; }

    Task<(TicketReport? Report, AgentRefusal? Refusal)> Put(Guid transfer, TicketOrder order);

    /// <summary>Completes when nobody of that session or an earlier one reads or writes any more.</summary>
    Task<TicketReport> End(Guid transfer, int session);
}
