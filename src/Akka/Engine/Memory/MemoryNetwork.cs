
namespace Orchestrator.Engine.Memory;

/// <summary>
/// The network between the nodes of a simulation. It can do what TCP and <see cref="Remote.EngineTransport"/> can, and
/// no more: one connection per pair and direction, in order; what is under way while a link is cut arrives late when the
/// link heals and never when the connection breaks; nothing arrives twice. Everything runs on the thread of the given
/// clock's timers and of the systems' dispatchers.
/// </summary>
/// <param name="clock">The world's clock, not a node's.</param>
public sealed class MemoryNetwork(TimeProvider clock) : EngineNetwork
{
    private readonly Dictionary<(string Host, int Port), MemoryTransport> ends = [];
    private readonly HashSet<(string From, string To)> cuts = [];

    /// <summary>How long a packet takes from one host to another, asked for each one.</summary>
    public Func<string, string, TimeSpan> Delay { get; set; } = (_, _) => TimeSpan.FromMicroseconds(200);

    internal TimeProvider Clock => clock;

    /// <summary>From now on nothing gets from one host to the other; both directions are cut apart.</summary>
    public void Cut(string from, string to) => cuts.Add((from, to));

    public void Heal(string from, string to)
    {
        if (!cuts.Remove((from, to))) return;
        foreach (var end in ends.Values.ToArray()) end.OnHealed(from, to);
    }

    public bool IsCut(string from, string to) => cuts.Contains((from, to));

    /// <summary>Breaks the connection of one direction, as a firewall or a full table does: what was under way is lost.</summary>
    public void Reset(string from, string to)
    {
        foreach (var end in ends.Values.ToArray())
            if (end.PublicHost == from) end.Reset(to);
    }

    /// <summary>The process behind an address is gone. Its kernel, if that still lives, closes its connections;
    /// else nobody hears of it.</summary>
    /// <param name="kernelLives">False: the machine went with it.</param>
    public void Vanish(string host, int port, bool kernelLives)
    {
        if (!ends.Remove((host, port), out var end)) return;
        if (kernelLives)
        {
            foreach (var other in ends.Values.ToArray()) other.OnPeerClosed(end);
            end.CloseIncoming();
        }
    }

    internal override IRemoteTransport Open(LocalSystem system, string host, int port)
    {
        var end = new MemoryTransport(this, system, host, port);
        ends[(host, port)] = end;
        return end;
    }

    internal MemoryTransport? At(string host, int port) => ends.GetValueOrDefault((host, port));

    internal void Close(MemoryTransport end)
    {
        if (At(end.PublicHost, end.Port) == end) ends.Remove((end.PublicHost, end.Port));
        foreach (var other in ends.Values.ToArray()) other.OnPeerClosed(end);
    }

    /// <summary>Runs something after the time that a packet takes now.</summary>
    internal void Later(string from, string to, Action what, int trips = 1)
    {
        var time = TimeSpan.Zero;
        for (var i = 0; i < trips; i++) time += Delay(from, to);
        After(time, what);
    }

    internal void After(TimeSpan time, Action what) =>
        _ = clock.CreateTimer(static w => ((Action)w!)(), what, time, Timeout.InfiniteTimeSpan);
}
