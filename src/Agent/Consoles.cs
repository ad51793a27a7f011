using System.Net.WebSockets;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>Looks at guests through their agent: nobody else needs a way to QEMU's ports. Each order names the lease of the
/// guest and the owner's epoch, as all others do.</summary>
/// <param name="take">Judges an order as any other: epoch, then the ledger.</param>
/// <param name="present">The guest as it is now.</param>
public sealed class Consoles(
    IGuestConsoles consoles, Func<Stamp, Guid, Func<LeaseRecord?, GuestReport?, Verdict>, Action, Action?, AgentAnswer> take,
    Func<Guid, GuestReport?> present)
{
    /// <summary>How long a guest whose screen has gone dark may take to show why.</summary>
    private static readonly TimeSpan EndSeenWithin = TimeSpan.FromSeconds(3), LookEvery = TimeSpan.FromMilliseconds(50);

    public async Task<AgentAnswer> SetTicket(Guid vm, ConsoleTicketOrder order)
    {
        if (!ConsoleTicketOrder.IsPassword(order.Password) || order.ValidSeconds is < 1 or > ConsoleTicketOrder.LongestSeconds)
            return new AgentAnswer.Refused(new AgentRefusal(
                RefusalCode.Malformed,
                $"a ticket has 1 to {ConsoleTicketOrder.LongestPassword} printable characters, and 1 to {ConsoleTicketOrder.LongestSeconds} seconds"));
        var answer = Judge(order.Stamp, vm, order.Lease);
        if (answer is not AgentAnswer.Accepted) return answer;
        try
        {
            await consoles.SetTicket(new GuestKey(vm, order.Lease), order.Password, TimeSpan.FromSeconds(order.ValidSeconds));
            return answer;
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
        {
            return new AgentAnswer.Refused(new AgentRefusal(RefusalCode.Failed, e.Message));
        }
    }

    /// <summary>Carries a console's bytes until one side ends, and tells the socket why.</summary>
    public async Task Carry(Stamp stamp, GuestKey guest, ConsoleKind kind, WebSocket socket, CancellationToken cancel)
    {
        if (Judge(stamp, guest.Vm, guest.Lease) is AgentAnswer.Refused { Refusal: var refusal })
        {
            await ConsoleBytes.Part(new ConsoleEnd(ConsoleEnd.Refused, refusal.Message), [socket]);
            return;
        }

        try
        {
            using var line = await consoles.Open(guest, kind);
            await Carry(guest, kind, line, socket, cancel);
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
        {
            await ConsoleBytes.Part(new ConsoleEnd(ConsoleEnd.Refused, e.Message), [socket]);
        }
    }

    private async Task Carry(GuestKey guest, ConsoleKind kind, ConsoleLine line, WebSocket socket, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var handshake = new VncHandshake();
        var spent = kind != ConsoleKind.Vnc;
        var reading = ConsoleBytes.Read(socket, bytes =>
        {
            handshake.Said(bytes.Length);
            return line.Bytes.WriteAsync(bytes, over.Token);
        });
        var sending = ConsoleBytes.Send(
            line.Bytes, socket,
            async count =>
            {
                if (spent || !handshake.Answered(count)) return;
                spent = true;
                await Spend(guest, line);
            },
            over.Token);
        var first = await Task.WhenAny(reading, sending);
        var end = first == reading && reading.IsCompletedSuccessfully ? await reading
            : cancel.IsCancellationRequested ? new ConsoleEnd(WebSocketCloseStatus.EndpointUnavailable, "the host's agent ends; ask for a new ticket")
            : await WhyGone(guest);
        await over.CancelAsync();
        line.Dispose();
        await ConsoleBytes.Part(end, [socket], reading, sending);
    }

    /// <summary>Before the client hears the verdict. Where it cannot be spent, its time ends it.</summary>
    private async Task Spend(GuestKey guest, ConsoleLine line)
    {
        try
        {
            await consoles.Spend(guest, line);
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
        {
            // The guest has gone, or libvirt for a moment.
        }
    }

    private async Task<ConsoleEnd> WhyGone(GuestKey guest)
    {
        using var patience = new CancellationTokenSource(EndSeenWithin);
        while (true)
        {
            switch (present(guest.Vm))
            {
                case { Exit: GuestExit.Migrated }:
                    return new ConsoleEnd(ConsoleEnd.Moved, "the VM has moved to another host; ask for a new ticket");
                // Its end was told and taken note of already.
                case null:
                    return new ConsoleEnd(ConsoleEnd.Moved, "the VM has moved to another host, or has ended; ask for a new ticket");
                case { State: GuestState.Down }:
                    return new ConsoleEnd(ConsoleEnd.Moved, "the VM does not run here any more");
            }

            if (patience.IsCancellationRequested) return new ConsoleEnd(WebSocketCloseStatus.EndpointUnavailable, "the VM's console has ended, or another client has taken it");
            await Task.Delay(LookEvery, CancellationToken.None);
        }
    }

    private AgentAnswer Judge(Stamp stamp, Guid vm, long lease) =>
        take(stamp, vm, (known, guest) => OrderGuard.Console(known, lease, guest), static () => { }, null);
}

/// <summary>Knows from lengths alone when the server of a screen has judged a client's password: RFB's versions say 12 bytes,
/// perhaps one for the kind of security, and 16 that answer the challenge. Pure.</summary>
internal sealed class VncHandshake
{
    private const int UntilAnswered = 12 + 16;
    private long _said;

    public void Said(int bytes) => Interlocked.Add(ref _said, bytes);

    /// <summary>Told of what comes from the server: true when it can be the verdict.</summary>
    public bool Answered(int bytes) => bytes > 0 && Interlocked.Read(ref _said) >= UntilAnswered;
}
