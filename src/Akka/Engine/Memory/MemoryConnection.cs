namespace Orchestrator.Engine.Memory;

/// <summary>One TCP connection from its greeting to its end.</summary>
/// <param name="greeter">The incarnation that opened it.</param>
internal sealed class MemoryConnection(MemoryLink link, MemoryTransport from, NodeId greeter)
{
    private readonly Queue<(long At, List<byte[]> Frames)> underWay = new();
    private long lastArrival;
    private bool stalled;

    public MemoryTransport From => from;

    public MemoryTransport? To { get; private set; }

    public NodeId Greeter => greeter;

    /// <summary>The incarnation that answered.</summary>
    public NodeId Greeting { get; private set; }

    public bool IsOpen { get; private set; }

    public bool IsOver { get; set; }

    private MemoryNetwork Network => from.Network;

    /// <summary>Handshake: there and back for TCP and TLS, then the greeting.</summary>
    public void Ask(string host, int port) => Network.Later(from.PublicHost, host, () =>
    {
        if (IsOver || Network.IsCut(from.PublicHost, host) || Network.IsCut(host, from.PublicHost)) return;
        if (Network.At(host, port) is not { } peer)
        {
            Refused("connection refused");
            return;
        }

        var until = Network.Clock.GetTimestamp()
            + (long)(peer.Settings.ConnectTimeout.TotalSeconds * 2 * Network.Clock.TimestampFrequency);
        peer.System.Dispatcher.Schedule(() => peer.Greet(this, until));
    }, trips: 3);

    public void Refused(string why) => Network.Later(link.Host, from.PublicHost, () => link.Break(why));

    /// <summary>The receiver's answer, on its way back.</summary>
    public void Greeted(MemoryTransport peer, NodeId self) => Network.Later(link.Host, from.PublicHost, () =>
    {
        if (IsOver)
        {
            peer.Ended(this);
            return;
        }

        if (Network.IsCut(link.Host, from.PublicHost)) return;
        (To, Greeting, IsOpen) = (peer, self, true);
        from.System.Dispatcher.Schedule(link.Opened);
    });

    public void Carry(List<byte[]> frames)
    {
        var now = Network.Clock.GetTimestamp();
        lastArrival = Math.Max(lastArrival, now + Network.Delay(from.PublicHost, link.Host).Ticks);
        underWay.Enqueue((lastArrival, frames));
        if (underWay.Count == 1) Await();
    }

    public void OnHealed()
    {
        if (!stalled) return;
        stalled = false;
        if (underWay.Count > 0) Await();
    }

    /// <summary>The receiver closes: the sender learns it by the next packet's way back.</summary>
    public void BreakByReceiver()
    {
        if (IsOver) return;
        To?.Ended(this);
        IsOver = true;
        Network.Later(link.Host, from.PublicHost, () =>
        {
            if (!Network.IsCut(link.Host, from.PublicHost)) link.BreakIf(this, "the peer closed the connection");
        });
    }

    private void Await()
    {
        var left = underWay.Peek().At - Network.Clock.GetTimestamp();
        Network.After(TimeSpan.FromTicks(Math.Max(0, left)), Arrive);
    }

    private void Arrive()
    {
        if (underWay.Count == 0) return;
        if (Network.IsCut(from.PublicHost, link.Host))
        {
            stalled = true;
            return;
        }

        if (IsOver)
        {
            // The receiver closed it, and its word of that may have been lost: this packet brings it.
            link.BreakIf(this, "the connection was reset");
            return;
        }

        var frames = underWay.Dequeue().Frames;
        if (To is { } peer)
        {
            if (Network.At(peer.PublicHost, peer.Port) is { } there && there != peer)
            {
                // Another process has the address: its kernel knows nothing of this connection.
                link.BreakIf(this, "the connection was reset");
                return;
            }

            peer.System.Dispatcher.Schedule(() =>
            {
                if (!IsOver && !peer.Deliver(this, frames)) BreakByReceiver();
            });
        }

        if (underWay.Count > 0) Await();
    }
}
