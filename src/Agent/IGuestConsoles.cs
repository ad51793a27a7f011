using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>Consoles of guests that run. Failures: <see cref="HypervisorException"/>, or
/// <see cref="HypervisorAwayException"/> when the outcome is not known.</summary>
public interface IGuestConsoles
{
    /// <summary>From now on the screen shows itself for this password, until then; the one before is good no more. Whoever
    /// looks at it already goes on.</summary>
    Task SetTicket(GuestKey guest, string password, TimeSpan validity);

    /// <summary>The ticket that is set has been used, or tried: nobody else gets in with it. One that was set after this
    /// console was opened stays.</summary>
    Task Spend(GuestKey guest, ConsoleLine line);

    /// <summary>Bytes of a console, both ways; the stream ends with the guest. Of serial lines there is one, and whoever comes
    /// takes it from the one before.</summary>
    Task<ConsoleLine> Open(GuestKey guest, ConsoleKind kind);
}

/// <param name="Ticket">Which ticket was set when it was opened: the higher, the later.</param>
public sealed record ConsoleLine(Stream Bytes, long Ticket) : IDisposable
{
    public void Dispose() => Bytes.Dispose();
}
