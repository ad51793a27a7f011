using System.Text;
using System.Threading.Channels;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

/// <summary>Consoles of guests that are not there: a screen that greets, and a serial line that says back what it hears.</summary>
/// <param name="find">The guest, if it runs here.</param>
internal sealed class SimulatedConsoles(Func<GuestKey, SimulatedGuest?> find) : IGuestConsoles
{
    public Task SetTicket(GuestKey guest, string password, TimeSpan validity)
    {
        var mine = Screen(guest);
        mine.Ticket = (password, mine.Ticket.Number + 1);
        return Task.CompletedTask;
    }

    public Task Spend(GuestKey guest, ConsoleLine line)
    {
        if (find(guest) is { } mine && mine.Ticket.Number == line.Ticket) mine.Ticket = ("", line.Ticket);
        return Task.CompletedTask;
    }

    public Task<ConsoleLine> Open(GuestKey guest, ConsoleKind kind) => Task.FromResult(kind == ConsoleKind.Vnc
        ? new ConsoleLine(new EchoStream("RFB 003.008\n", () => find(guest) is not null), Screen(guest).Ticket.Number)
        : new ConsoleLine(new EchoStream($"simulated guest {Running(guest).Key}\n", () => find(guest) is not null), 0));

    private SimulatedGuest Screen(GuestKey guest) =>
        Running(guest) is { Definition.Headless: false } mine ? mine : throw new HypervisorException("the guest has no screen");

    private SimulatedGuest Running(GuestKey guest) => find(guest) ?? throw new HypervisorException("the guest is not running");
}

/// <summary>Says something, and then what it hears, while its guest is there.</summary>
internal sealed class EchoStream : LineStream
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private readonly Channel<byte[]> _said = Channel.CreateBounded<byte[]>(64);
    private readonly Func<bool> _there;
    private ReadOnlyMemory<byte> _rest;

    public EchoStream(string greeting, Func<bool> there)
    {
        _there = there;
        _said.Writer.TryWrite(Encoding.ASCII.GetBytes(greeting));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest.IsEmpty)
        {
            var waiting = _said.Reader.WaitToReadAsync(cancellationToken).AsTask();
            while (!waiting.IsCompleted)
            {
                await Task.WhenAny(waiting, Task.Delay(LookEvery, cancellationToken));
                if (!waiting.IsCompleted && !_there()) return 0;
            }

            if (!await waiting || !_said.Reader.TryRead(out var next)) return 0;
            _rest = next;
        }

        var count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await _said.Writer.WriteAsync(buffer.ToArray(), cancellationToken);

    protected override void Dispose(bool disposing)
    {
        _said.Writer.TryComplete();
        base.Dispose(disposing);
    }
}
