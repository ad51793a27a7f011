using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>The line between one engine node and one host, and the connection over it, if there is one. It may lead by way of
/// another node.</summary>
internal sealed class Wire(SimulatedWorld world, string node, WorldHost host, Random random)
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(3);
    private readonly Queue<Call> _waiting = new();
    private readonly List<Connection> _closing = [];
    private Connection? _connection;
    private bool _connecting;

    public string Node => node;

    public WorldHost Host => host;

    public SimulatedWorld World => world;

    public Random Random => random;

    /// <summary>The own line of the node that passes this one's bytes on; null: it leads straight to the host.</summary>
    public Wire? By { get; init; }

    /// <summary>Directions that carry nothing now.</summary>
    public Direction Cut { get; set; }

    /// <summary>What a slow link adds to each way.</summary>
    public TimeSpan Slow { get; set; }

    public bool CarriesToHost => !host.Frozen && ((Cut | host.Isolated) & Direction.ToHost) == 0 && Passes(b => b.CarriesToHost);

    public bool CarriesFromHost => !host.Frozen && ((Cut | host.Isolated) & Direction.FromHost) == 0 && Passes(b => b.CarriesFromHost);

    public TimeSpan Delay() => (world.Options.Latency * (1 + random.NextDouble())) + Slow + (By?.Delay() ?? TimeSpan.Zero);

    /// <summary>Sends it, over a new connection where there is none.</summary>
    public void Send(Call call)
    {
        if (_connection is { Closed: false } connection)
        {
            connection.Send(call);
            return;
        }

        _waiting.Enqueue(call);
        if (!_connecting) Connect(TimeSpan.Zero);
    }

    /// <summary>It may carry again, or not any more.</summary>
    public void Changed()
    {
        _connection?.Flow();
        foreach (var closing in _closing.ToList()) closing.Flow();
    }

    public void Closing(Connection connection)
    {
        if (connection == _connection) _connection = null;
        _closing.Add(connection);
    }

    public void Closed(Connection connection) => _closing.Remove(connection);

    /// <summary>The agent process at the other end is gone while its system runs: the other side is told at once.</summary>
    public void Reset(AgentLife life)
    {
        if (_connection is { } connection && connection.Life == life) connection.Reset();
    }

    public void Break() => _connection?.Close("Connection reset by peer");

    /// <summary>The node's process is gone: its sockets close, and nobody waits here any more.</summary>
    public void NodeDied()
    {
        _waiting.Clear();
        _connection?.Close(null);
    }

    private bool Passes(Func<Wire, bool> carries) => By is not { } by || (world.PassesOn(node, by.Node) && carries(by));

    private void Connect(TimeSpan waited)
    {
        _connecting = true;
        var open = CarriesToHost && CarriesFromHost && host.SystemRuns;
        if (open && host.Life is null)
        {
            Later(Delay() * 2, () => Failed("Connection refused"));
            return;
        }

        if (open && host.Life is { Hangs: false })
        {
            Later(Delay() * 3, Established);
            return;
        }

        // A first packet that is lost is sent again after one second.
        var next = waited == TimeSpan.Zero ? TimeSpan.FromSeconds(1) : ConnectLimit - waited;
        if (waited >= ConnectLimit) Failed("no handshake in 3 s");
        else Later(next, () => Connect(waited + next));
    }

    private void Established()
    {
        _connecting = false;
        if (!CarriesToHost || !CarriesFromHost || host.Life is not { Hangs: false } life)
        {
            if (_waiting.Count > 0) Connect(TimeSpan.FromTicks(1));
            return;
        }

        _connection = new Connection(this, life);
        while (_waiting.TryDequeue(out var call))
            if (!call.Done)
                _connection.Send(call);
    }

    private void Failed(string why)
    {
        _connecting = false;
        var failed = _waiting.ToList();
        _waiting.Clear();
        foreach (var call in failed) call.Fail(new AgentUnreachableException($"{host.Address} did not answer: {why}"));
    }

    private void Later(TimeSpan time, Action act) => world.After(time, act);
}
