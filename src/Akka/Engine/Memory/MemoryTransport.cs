using Akka.Actor;
using Akka.Event;
using Orchestrator.Engine.Remote;

namespace Orchestrator.Engine.Memory;

/// <summary>One node's end of a <see cref="MemoryNetwork"/>; keeps every law that <see cref="EngineTransport"/> keeps:
/// only members are listened to, nothing leaves while this node may not act, and what was greeted by one incarnation is
/// not delivered to the next.</summary>
internal sealed class MemoryTransport : IRemoteTransport
{
    private readonly Dictionary<(string Host, int Port), MemoryLink> links = [];
    private readonly List<MemoryConnection> incoming = [];
    private bool closed;

    public MemoryTransport(MemoryNetwork network, LocalSystem system, string host, int port)
    {
        Network = network;
        System = system;
        PublicHost = host;
        Port = port;
        Settings = RemoteSettings.Read(system.Settings.Config);
        Frames = new Frames(system, Settings.MaximumFrame);
    }

    public MemoryNetwork Network { get; }

    public LocalSystem System { get; }

    public RemoteSettings Settings { get; }

    public Frames Frames { get; }

    public string PublicHost { get; }

    public int Port { get; }

    public NodeMembership Membership { get; set; } = null!;

    public Action<RoutedMessage> Route { get; set; } = _ => { };

    public void Send(RemoteActorRef recipient, object message, IActorRef? sender)
    {
        if (recipient.Path.Address is { Host: { } host, Port: { } port })
            LinkTo(host, port).Send(new Outgoing(message, sender, recipient));
        else Lose(message, sender, recipient);
    }

    public void Send(NodeDescription node, RoutedMessage message) =>
        LinkTo(node.Host, node.Port).Send(new Outgoing(message, message.Sender, null));

    public void OnView(ClusterView view)
    {
        foreach (var (address, link) in links.ToArray())
        {
            if (view.Members.Any(m => m.Node.Host == address.Host && m.Node.Port == address.Port))
            {
                link.OnView(view);
                continue;
            }

            links.Remove(address);
            link.Close();
        }

        foreach (var connection in incoming.ToArray())
            if (view.Members.All(m => m.Node.Id != connection.Greeter)) connection.BreakByReceiver();
    }

    public void Lose(object message, IActorRef? sender, IActorRef? recipient)
    {
        if (message is RoutedMessage routed && !closed) Route(routed);
        else System.DeadLetters.Tell(
            new DeadLetter(message, sender ?? System.DeadLetters, recipient ?? System.DeadLetters), ActorRefs.NoSender);
    }

    public ValueTask DisposeAsync()
    {
        closed = true;
        foreach (var link in links.Values.ToArray()) link.Close();
        links.Clear();
        CloseIncoming();
        Network.Close(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>The sender's side of a connection asks to be greeted; runs in a turn of this node.</summary>
    public void Greet(MemoryConnection asker, long until)
    {
        if (closed)
        {
            asker.Refused("the peer closed the connection");
            return;
        }

        if (!Membership.IsMember(asker.Greeter) || Membership.Self is not { } self)
        {
            if (Network.Clock.GetTimestamp() >= until) return;
            Membership.Refresh();
            Network.After(TimeSpan.FromMilliseconds(20), () => System.Dispatcher.Schedule(() => Greet(asker, until)));
            return;
        }

        incoming.Add(asker);
        asker.Greeted(this, self);
    }

    /// <summary>Delivers what came over a connection; false when the connection must end. In a turn of this node.</summary>
    public bool Deliver(MemoryConnection connection, List<byte[]> frames)
    {
        foreach (var frame in frames)
        {
            if (!Membership.IsMember(connection.Greeter) || !Membership.MayAct || Membership.Self != connection.Greeting)
                return false;
            try
            {
                var (routed, recipient, message, sender) = Frames.Read(frame[4..]);
                if (routed is not null) Route(routed);
                else System.ResolveActorRef(recipient).Tell(message, sender!);
            }
            catch (Exception e)
            {
                System.Log.Error(e, "A message from node {0} could not be read and is lost", connection.Greeter);
            }
        }

        return true;
    }

    public void OnHealed(string from, string to)
    {
        if (PublicHost != from) return;
        foreach (var ((host, _), link) in links.ToArray())
            if (host == to) link.OnHealed();
    }

    public void Reset(string to)
    {
        foreach (var ((host, _), link) in links.ToArray())
            if (host == to) link.Break("the connection was reset");
    }

    /// <summary>Often the first sign that a node died: the store can tell.</summary>
    public void OnPeerClosed(MemoryTransport peer)
    {
        foreach (var link in links.Values.ToArray()) link.OnPeerClosed(peer);
        foreach (var connection in incoming.ToArray())
            if (connection.From == peer) Network.Later(peer.PublicHost, PublicHost, () => Ended(connection));
    }

    public void CloseIncoming()
    {
        foreach (var connection in incoming.ToArray()) connection.BreakByReceiver();
    }

    public void Ended(MemoryConnection connection)
    {
        connection.IsOver = true;
        if (incoming.Remove(connection) && !closed) System.Dispatcher.Schedule(Membership.Refresh);
    }

    private MemoryLink LinkTo(string host, int port)
    {
        if (!links.TryGetValue((host, port), out var link)) links[(host, port)] = link = new MemoryLink(this, host, port);
        return link;
    }
}
