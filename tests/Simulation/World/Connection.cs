using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// One HTTP/2 connection of a node to one agent process: requests and streams share it and end with it. A peer that is
/// not heard is pinged after 5 s and given up after 10. What was sent and not delivered when the node closes it may
/// still arrive, because the kernel goes on sending for a while.
/// </summary>
internal sealed class Connection
{
    private static readonly TimeSpan PingEvery = TimeSpan.FromMilliseconds(1250);
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KernelSendsFor = TimeSpan.FromSeconds(60);

    /// <summary>So many segments are sent before the first is acknowledged.</summary>
    private const int Window = 10;

    private readonly Wire _wire;
    private readonly Pipe _to;
    private readonly Pipe _from;
    private readonly List<Call> _calls = [];
    private readonly List<EventStream> _streams = [];
    private readonly ITimer _ping;
    private long _heard;
    private int _unacknowledged;

    public Connection(Wire wire, AgentLife life)
    {
        _wire = wire;
        Life = life;
        var clock = wire.World.OwnClock;
        _to = new Pipe(clock, () => wire.CarriesToHost, wire.Delay, what => ArrivesThere((Action)what));
        _from = new Pipe(clock, () => wire.CarriesFromHost && _unacknowledged < Window, wire.Delay, ArrivesHere);
        _heard = clock.GetTimestamp();
        _ping = clock.CreateTimer(_ => Ping(), null, PingEvery, PingEvery);
    }

    public AgentLife Life { get; }

    public Wire Wire => _wire;

    public bool Closed { get; private set; }

    public void Send(Call call)
    {
        _calls.Add(call);
        _to.Send(() => Life.WhenItListens(() => _ = Serve(call)));
    }

    public void Open(EventStream stream) => _streams.Add(stream);

    /// <summary>A word of an open stream, from the host.</summary>
    public void Tell(EventStream stream, HostEvent? told)
    {
        if (!Life.Alive) return;
        stream.Sent.Enqueue(told);
        _from.Send(stream);
    }

    /// <summary>The node wants no more of it.</summary>
    public void Leave(EventStream stream)
    {
        if (!_streams.Remove(stream) || Closed) return;
        _to.Send(stream.EndThere);
    }

    public void Flow()
    {
        if (_wire.CarriesToHost) _unacknowledged = 0;
        _to.Flow();
        _from.Flow();
    }

    public void Reset()
    {
        if (_wire.CarriesFromHost) _wire.World.After(_wire.Delay(), () => Close("Connection reset by peer"));
    }

    /// <param name="why">What the node's calls hear; null when nobody is there to hear.</param>
    public void Close(string? why)
    {
        if (Closed) return;
        Closed = true;
        _ping.Dispose();
        _from.Stop();
        // Half of what lies unsent in the kernel is lost by chance, the rest arrives if the line carries soon.
        if (!_wire.CarriesToHost) _to.Sift(_ => _wire.Random.Next(2) == 0);
        foreach (var stream in _streams) _to.Send(stream.EndThere);
        _wire.Closing(this);
        _wire.World.After(KernelSendsFor, Forget);
        if (why is null) return;
        foreach (var call in _calls) call.Fail(Unreachable($"did not answer {call.What}: {why}"));
        foreach (var stream in _streams) stream.Break(Unreachable($"broke off its event stream: {why}"));
    }

    private void Forget()
    {
        foreach (var stream in _streams) stream.EndThere();
        _to.Stop();
        _wire.Closed(this);
    }

    private void ArrivesThere(Action what)
    {
        if (Life.Alive)
        {
            what();
            return;
        }

        // Nobody has this connection there any more: a system that runs says so.
        if (_wire.Host.SystemRuns) Reset();
    }

    private async Task Serve(Call call)
    {
        // Given up before the agent looked at it: the word of that may have come with it or not.
        if (call.Done && _wire.Random.Next(2) == 0) return;
        if (call is { Done: true, IsOrder: true }) _wire.World.Note($"{_wire.Host.Name}: {call.What} of {_wire.Node} arrives after it was given up");
        Reply reply;
        try
        {
            reply = await call.Serve(Life.Agent, this);
        }
        catch (IOException)
        {
            reply = new Reply(null, Broken: "HTTP 500 without an explanation");
        }

        var host = _wire.Host;
        if (call.IsOrder && host.LosesAnswers > 0 && _wire.Random.NextDouble() < host.LosesAnswers)
            reply = new Reply(null, Broken: "the answer was lost on its way");
        if (host.AnswersLateBy > TimeSpan.Zero) _wire.World.After(host.AnswersLateBy, () => Answer(call, reply));
        else Answer(call, reply);
    }

    private void Answer(Call call, Reply reply) => Life.WhenItListens(() =>
    {
        if (!Closed) _from.Send(new Home(call, reply));
    });

    private void ArrivesHere(object what)
    {
        _heard = _wire.World.OwnClock.GetTimestamp();
        // Data that the host sends is acknowledged over the other direction.
        if (!_wire.CarriesToHost) _unacknowledged++;
        if (what is EventStream stream)
        {
            stream.Arrive();
            return;
        }

        var (call, reply) = (Home)what;
        _calls.Remove(call);
        if (reply.Refusal is { } refusal) call.Fail(new AgentRefusedException(refusal));
        else if (reply.Broken is { } broken) call.Fail(Unreachable($"did not answer {call.What}: {broken}"));
        else call.Take(reply.Answer);
    }

    private void Ping()
    {
        _calls.RemoveAll(c => c.Done);
        var clock = _wire.World.OwnClock;
        var silent = clock.GetElapsedTime(_heard);
        if (silent < PingAfter) return;
        var reaches = _wire.CarriesToHost && _wire.CarriesFromHost && _wire.Host.SystemRuns;
        if (reaches && !Life.Alive)
            Close("Connection reset by peer");
        else if (reaches && !Life.Hangs)
            _heard = clock.GetTimestamp();
        else if (silent >= GiveUpAfter)
            Close("The HTTP/2 server didn't respond to a ping request within the configured KeepAlivePingTimeout");
    }

    private AgentUnreachableException Unreachable(string what) => new($"{_wire.Host.Address} {what}");

    private sealed record Home(Call Call, Reply Reply);
}
