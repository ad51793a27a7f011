using System.Collections.Concurrent;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Transfer;

namespace Orchestrator.Agent.Simulated;

/// <summary>Tickets without bytes: a test says what clients have done.</summary>
public sealed class SimulatedTickets(TimeProvider time) : ITickets
{
    private readonly ConcurrentDictionary<Guid, Held> _held = new();

    public int Port => 54322;

    /// <summary>Sessions of transfers whose clients are let in.</summary>
    public IEnumerable<(Guid Transfer, int Session)> Open => _held.Where(h => h.Value.IsOpen).Select(h => (h.Key, h.Value.Session));

    public Task<(TicketReport? Report, AgentRefusal? Refusal)> Put(Guid transfer, TicketOrder order)
    {
        var held = _held.GetOrAdd(transfer, _ => new Held { ActiveAt = time.GetTimestamp() });
        lock (held)
        {
            if (held.IsClosed || order.Session < held.Lowest)
                return Task.FromResult<(TicketReport?, AgentRefusal?)>((null, new AgentRefusal(RefusalCode.StaleOrder, "it is over here")));
            if (!held.IsOpen || order.Session > held.Session)
                (held.IsOpen, held.Session, held.Lowest, held.ActiveAt, held.Transferred) =
                    (true, order.Session, order.Session, time.GetTimestamp(), order.Transferred);
            return Task.FromResult<(TicketReport?, AgentRefusal?)>((Report(held), null));
        }
    }

    public Task<TicketReport> End(Guid transfer, int session)
    {
        var held = _held.GetOrAdd(transfer, _ => new Held { ActiveAt = time.GetTimestamp() });
        lock (held)
        {
            held.Lowest = Math.Max(held.Lowest, session + 1);
            if (held.Session <= session) held.IsOpen = false;
            return Task.FromResult(Report(held));
        }
    }

    /// <summary>As the job that closes an upload does it.</summary>
    public void Close(Guid transfer)
    {
        var held = _held.GetOrAdd(transfer, _ => new Held());
        lock (held) (held.IsOpen, held.IsClosed) = (false, true);
    }

    /// <summary>A client has sent or got so much.</summary>
    /// <returns>False: it is not let in.</returns>
    public bool Move(Guid transfer, long bytes)
    {
        if (!_held.TryGetValue(transfer, out var held)) return false;
        lock (held)
        {
            if (!held.IsOpen) return false;
            held.Transferred += bytes;
            held.ActiveAt = time.GetTimestamp();
            return true;
        }
    }

    /// <summary>The agent was restarted; what is closed it has read from its jobs.</summary>
    public void Forget()
    {
        foreach (var (transfer, held) in _held)
            if (!held.IsClosed) _held.TryRemove(transfer, out _);
    }

    private TicketReport Report(Held held) => new(held.Transferred, (long)time.GetElapsedTime(held.ActiveAt).TotalMilliseconds);

    private sealed class Held
    {
        public bool IsOpen { get; set; }

        public bool IsClosed { get; set; }

        public int Session { get; set; }

        public int Lowest { get; set; } = 1;

        public long Transferred { get; set; }

        public long ActiveAt { get; set; }
    }
}
