using System.Collections.Frozen;
using System.Net.Sockets;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node;

/// <summary>Where other nodes may go through this one: to the agents of hosts that the engine knows, and nowhere else.</summary>
internal sealed class AgentDoor(IReadModel read, TimeProvider clock)
{
    /// <summary>What was read counts for so long; an address that is not in it is looked for sooner.</summary>
    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromSeconds(30), LookAgainAfter = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private Task _reading = Task.CompletedTask;
    private volatile FrozenSet<(string, int)> _known = [];
    private long _readAt;

    /// <exception cref="PipeRefusedException">No host of the engine has this address.</exception>
    public async Task<Stream> Open(string host, int port, CancellationToken cancel)
    {
        if (!await IsAgent(host, port, cancel))
            throw new PipeRefusedException($"{host}:{port} is the address of no host that the engine knows");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Without the brackets that a URI puts around an address of IPv6.</summary>
    public static string Bare(string host) => host.Trim('[', ']');

    private async Task<bool> IsAgent(string host, int port, CancellationToken cancel)
    {
        var wanted = (Bare(host).ToLowerInvariant(), port);
        if (Age < ReadAgainAfter && _known.Contains(wanted)) return true;
        try
        {
            if (Age > (_known.Contains(wanted) ? ReadAgainAfter : LookAgainAfter)) await Reading().WaitAsync(cancel);
        }
        catch (EntityUnavailableException)
        {
            // The database is away for the moment: what was known stays known.
        }

        return _known.Contains(wanted);
    }

    private TimeSpan Age => Volatile.Read(ref _readAt) is var at and not 0 ? clock.GetElapsedTime(at) : TimeSpan.MaxValue;

    /// <summary>Whoever comes while it is read waits for the same answer.</summary>
    private Task Reading()
    {
        lock (_gate) return _reading.IsCompleted ? _reading = Read() : _reading;
    }

    private async Task Read()
    {
        var hosts = await read.List(new ReadQuery(Kinds.Host), CancellationToken.None);
        _known = hosts.Select(h => WireJson.Read<HostView>(h.Json).Config)
            .Select(c => (Bare(c.Address).ToLowerInvariant(), c.Port)).ToFrozenSet();
        Volatile.Write(ref _readAt, Math.Max(1, clock.GetTimestamp()));
    }
}
