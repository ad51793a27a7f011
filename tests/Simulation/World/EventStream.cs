using System.Threading.Channels;
using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// A host's event stream to one node. At the host: the feed's follower and the beat that goes with each open stream, as
/// AgentRoutes has them. At the node: what has arrived.
/// </summary>
internal sealed class EventStream
{
    private readonly Connection _connection;
    private readonly HostAgent _agent;
    private readonly Channel<HostEvent> _arrived = Channel.CreateUnbounded<HostEvent>(
        new UnboundedChannelOptions { AllowSynchronousContinuations = true, SingleReader = true });
    private readonly ITimer _beat;
    private bool _hungUp;

    public EventStream(Connection connection, HostAgent agent, EventFeed.Follower follower)
    {
        (_connection, _agent) = (connection, agent);
        EndThere = End;
        var heartbeat = connection.Wire.World.Options.Heartbeat;
        _beat = connection.Life.Clock.CreateTimer(static s => ((EventStream)s!)._agent.Beat(), this, heartbeat, heartbeat);
        connection.Open(this);
        _ = Pump(follower);
    }

    /// <summary>Read by the node; ends as the stream ends, with an exception when the line broke.</summary>
    public ChannelReader<HostEvent> Arrived => _arrived.Reader;

    /// <summary>Under way to the node; null is the end.</summary>
    public Queue<HostEvent?> Sent { get; } = new();

    public Action EndThere { get; }

    public void Arrive()
    {
        if (Sent.Dequeue() is { } told) _arrived.Writer.TryWrite(told);
        else _arrived.Writer.TryComplete();
    }

    public void Break(Exception why) => _arrived.Writer.TryComplete(why);

    public void Leave()
    {
        _arrived.Writer.TryComplete();
        _connection.Leave(this);
    }

    private async Task Pump(EventFeed.Follower follower)
    {
        while (await follower.Events.WaitToReadAsync())
        {
            if (_hungUp) return;
            while (follower.Events.TryRead(out var told)) _connection.Tell(this, told);
        }

        if (_hungUp) return;
        _connection.Tell(this, null);
        End();
    }

    private void End()
    {
        _hungUp = true;
        _beat.Dispose();
    }
}
