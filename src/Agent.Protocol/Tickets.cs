namespace Orchestrator.Agent.Protocol;

/// <summary>
/// Lets a client read or write an image at the agent's image port. Said again it renews the ticket, and asks what the client
/// has done: an agent that was restarted has lost its tickets.
/// </summary>
/// <param name="Ticket">Who names it is let in; never logged.</param>
/// <param name="Session">One lower than the transfer's highest here is refused as <see cref="RefusalCode.StaleOrder"/>, as is
/// any of a transfer that was closed.</param>
/// <param name="Path">Within a storage domain.</param>
/// <param name="Bytes">What a guest sees of the image.</param>
public sealed record TicketOrder(Stamp Stamp, Guid Ticket, int Session, string Path, DiskFormat Format, long Bytes)
{
    public bool Write { get; init; }

    /// <summary>The client sees what a guest would; else the image file as it is.</summary>
    public bool Raw { get; init; }

    /// <summary>Zeros need no room.</summary>
    public bool Sparse { get; init; }

    /// <summary>Bytes that were transferred before.</summary>
    public long Transferred { get; init; }

    /// <summary>After this time without a renewal nobody is let in any more.</summary>
    public int ValidSeconds { get; init; } = 300;

    /// <summary>Without the ticket.</summary>
    public override string ToString() => $"ticket of session {Session} for {Path}";
}

public sealed record EndTicketOrder(Stamp Stamp, int Session);

/// <param name="IdleMs">Since the client last did anything, or the ticket was given.</param>
public sealed record TicketReport(long Transferred, long IdleMs);
