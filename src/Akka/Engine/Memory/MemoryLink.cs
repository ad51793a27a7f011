using Akka.Event;
using Orchestrator.Engine.Remote;

namespace Orchestrator.Engine.Memory;

/// <summary>The way from one node to one address: a bounded queue, a connection when there is something to send, and
/// another one after a pause when it broke. Its methods run in turns of the sending node, or at the network's word.</summary>
internal sealed class MemoryLink(MemoryTransport owner, string host, int port)
{
    private readonly Queue<Outgoing> queue = new();
    private MemoryConnection? connection;
    private TimeSpan pause = owner.Settings.BackoffMin;
    private bool pumping;
    private bool resting;
    private bool closed;

    public MemoryTransport Owner => owner;

    public string Host => host;

    public void Send(Outgoing message)
    {
        if (closed || queue.Count >= owner.Settings.SendQueue)
        {
            owner.Lose(
                message.Message is RoutedMessage routed ? routed.Message : message.Message, message.Sender,
                message.Recipient);
            return;
        }

        queue.Enqueue(message);
        Wake();
    }

    public void OnView(ClusterView view)
    {
        if (connection is { IsOpen: true } open && view.Members.All(m => m.Node.Id != open.Greeting))
            Break("the peer is no member any more");
    }

    public void OnHealed() => connection?.OnHealed();

    public void OnPeerClosed(MemoryTransport peer)
    {
        if (connection is { } open && open.To == peer)
            owner.Network.Later(
                peer.PublicHost, owner.PublicHost, () => BreakIf(open, "the peer closed the connection"));
    }

    /// <summary>What is under way is lost; what waits goes over the next connection.</summary>
    public void Break(string why)
    {
        if (connection is not { } broken) return;
        connection = null;
        broken.IsOver = true;
        if (broken.To is { } peer) owner.Network.Later(owner.PublicHost, host, () => peer.Ended(broken));
        if (closed) return;
        resting = true;
        owner.System.Dispatcher.Schedule(() =>
        {
            owner.System.Log.Info("No connection to the node at {0}:{1}: {2}", host, port, why);
            owner.Membership.Refresh();
        });
        var rest = pause;
        pause = pause * 2 < owner.Settings.BackoffMax ? pause * 2 : owner.Settings.BackoffMax;
        owner.Network.After(rest, () => owner.System.Dispatcher.Schedule(() =>
        {
            resting = false;
            if (queue.Count > 0) Wake();
        }));
    }

    public void BreakIf(MemoryConnection broken, string why)
    {
        if (connection == broken) Break(why);
    }

    public void Close()
    {
        closed = true;
        Break("closed");
        while (queue.TryDequeue(out var left)) owner.Lose(left.Message, left.Sender, left.Recipient);
    }

    public void Opened()
    {
        pause = owner.Settings.BackoffMin;
        if (connection is { } open && !owner.Membership.IsMember(open.Greeting)) owner.Membership.Refresh();
        if (queue.Count > 0) Wake();
    }

    private void Wake()
    {
        if (pumping || resting || closed) return;
        pumping = true;
        owner.System.Dispatcher.Schedule(Pump);
    }

    private void Pump()
    {
        pumping = false;
        if (closed || resting || queue.Count == 0) return;
        if (connection is null)
        {
            Connect();
            return;
        }

        if (!connection.IsOpen) return;
        var frames = new List<byte[]>(queue.Count);

        // The last look before anything leaves: a process that was frozen must not speak with old ideas.
        if (!owner.Membership.MayAct)
        {
            Break("this node may not act now");
            return;
        }

        while (queue.TryDequeue(out var next)) Add(frames, next);
        connection?.Carry(frames);
    }

    private void Add(List<byte[]> frames, Outgoing next)
    {
        try
        {
            frames.Add(owner.Frames.Message(
                next.Message, next.Recipient is { } recipient ? recipient.Path.ToSerializationFormat() : "", next.Sender));
        }
        catch (Exception e)
        {
            var message = next.Message is RoutedMessage routed ? routed.Message : next.Message;
            owner.System.Log.Error(e, "A message of {0} cannot be sent", message.GetType());
            owner.Lose(message, next.Sender, next.Recipient);
        }
    }

    private void Connect()
    {
        var asked = connection = new MemoryConnection(this, owner, owner.Membership.Self ?? default);
        owner.Network.After(owner.Settings.ConnectTimeout, () =>
        {
            if (!asked.IsOpen) BreakIf(asked, "no answer in time");
        });
        if (owner.Membership.Self is null)
        {
            Break("this node is no member now");
            return;
        }

        asked.Ask(host, port);
    }
}
