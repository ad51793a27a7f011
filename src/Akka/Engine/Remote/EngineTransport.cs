using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Event;

namespace Orchestrator.Engine.Remote;

/// <summary>
/// Messages to and from other nodes: one connection per pair and direction, in order, at most once. Only members of
/// the present view are listened to, and nothing leaves while this node may not act. While the way to a member is cut,
/// what starts here goes by one other node, which passes it on straight or not at all: a message makes at most one
/// detour. Order per pair holds on each way; at a change of way later messages may overtake earlier ones.
/// </summary>
internal sealed class EngineTransport : IRemoteTransport
{
    private readonly ConcurrentDictionary<(string Host, int Port), OutgoingLink> links = new();
    private readonly ConcurrentDictionary<TcpClient, NodeLine> incoming = new();
    private readonly HalfOpenConnections halfOpen;
    private readonly CancellationTokenSource closing = new();
    private readonly TcpListener listener;
    private readonly Task accepting;
    private readonly ITimer looks;
    private long bytesSent;

    public EngineTransport(LocalSystem system, RemoteSettings settings, RemoteIdentity? identity)
    {
        System = system;
        Settings = settings;
        Identity = identity;
        Frames = new Frames(system, settings.MaximumFrame);
        Handshake = new NodeHandshake(this);
        Pipes = new NodePipes(this);
        halfOpen = new HalfOpenConnections(settings.HalfOpenPerPeer, settings.HalfOpen);
        if (identity is not null) identity.Renewed += OnRenewed;
        listener = new TcpListener(Dns.GetHostAddresses(settings.BindHost)[0], settings.Port);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
        var often = settings.CutAfter / 5;
        looks = system.Clock.CreateTimer(_ => Look(), null, often, often);
    }

    public LocalSystem System { get; }

    public RemoteSettings Settings { get; }

    public RemoteIdentity? Identity { get; }

    public Frames Frames { get; }

    /// <summary>Bytes of frames that were given to connections, before encryption.</summary>
    public long BytesSent => Volatile.Read(ref bytesSent);

    public NodeHandshake Handshake { get; }

    public NodePipes Pipes { get; }

    /// <summary>Connections that have not shown who they are.</summary>
    internal int HalfOpen => halfOpen.Count;

    public string PublicHost => Settings.PublicHost;

    public int Port { get; }

    public NodeMembership Membership { get; set; } = null!;

    public Action<RoutedMessage> Route { get; set; } = _ => { };

    public void Send(RemoteActorRef recipient, object message, IActorRef? sender)
    {
        if (recipient.Path.Address is not { Host: { } host, Port: { } port })
        {
            Lose(message, sender, recipient);
            return;
        }

        Send(LinkTo(host, port), new Outgoing(message, sender, recipient));
    }

    public void Send(NodeDescription node, RoutedMessage message) =>
        Send(LinkTo(node.Host, node.Port), new Outgoing(message, message.Sender, null));

    /// <summary>False when it must go straight or no other node can pass it on.</summary>
    public bool SendAround(Outgoing message)
    {
        var node = message switch
        {
            { Message: RoutedMessage { Hops: <= 1 } routed } => OwnerOf(routed),
            { Recipient.Path.Address: { Host: { } host, Port: { } port }, IsPassedOn: false } => (host, port),
            _ => null,
        };
        if (node is not { } there || WayAround(there.Host, there.Port, (message.Message as RoutedMessage)?.Type) is not { } relay)
            return false;
        LinkTo(there.Host, there.Port).State.Detoured();
        relay.Send(message);
        return true;
    }

    /// <summary>The first member that carries entities and can be reached, other than that one; all nodes prefer the same.</summary>
    /// <param name="type">It must carry this type, if there is one.</param>
    public OutgoingLink? WayAround(string host, int port, string? type)
    {
        var self = Membership.Self;
        foreach (var row in Membership.View.Members)
        {
            if (row.Node.Id == self || (row.Node.Host == host && row.Node.Port == port) || row.Status != NodeStatus.Up
                || (type is null ? row.ShardTypes.IsEmpty : !row.ShardTypes.Contains(type))) continue;
            var link = LinkTo(row.Node.Host, row.Node.Port);
            if (!link.State.IsCut) return link;
        }

        return null;
    }

    private void Send(OutgoingLink link, Outgoing message)
    {
        if ((!link.State.IsCut && !link.State.IsDoubted) || !SendAround(message)) link.Send(message);
    }

    private (string Host, int Port)? OwnerOf(RoutedMessage message)
    {
        var view = Membership.View;
        if (view.Shards.GetValueOrDefault(new ShardKey(message.Type, message.Shard))?.Owner is not { } owner) return null;
        return view.Members.FirstOrDefault(m => m.Node.Id == owner)?.Node is { } node ? (node.Host, node.Port) : null;
    }

    private void Look()
    {
        foreach (var link in links.Values) link.Look();
    }

    public void OnView(ClusterView view)
    {
        foreach (var (address, link) in links)
        {
            if (!view.Members.Any(m => m.Node.Host == address.Host && m.Node.Port == address.Port)
                && links.TryRemove(address, out _))
            {
                link.Close();
            }
            else
            {
                link.OnView(view);
            }
        }

        foreach (var (client, line) in incoming)
            if (view.Members.All(m => m.Node.Id != line.Peer)) client.Close();
    }

    /// <summary>A message that cannot be delivered: an entity's goes back to be routed anew, others are dead letters.</summary>
    public void Lose(object message, IActorRef? sender, IActorRef? recipient)
    {
        if (message is RoutedMessage routed && !closing.IsCancellationRequested) Route(routed);
        else System.DeadLetters.Tell(
            new DeadLetter(message, sender ?? System.DeadLetters, recipient ?? System.DeadLetters), ActorRefs.NoSender);
    }

    /// <summary>For each link, whether it is "connected" or "broken".</summary>
    public IEnumerable<string> LinkStates() => links.Values.Select(l => l.IsConnected ? "connected" : "broken");

    public async ValueTask DisposeAsync()
    {
        if (Identity is { } identity) identity.Renewed -= OnRenewed;
        await closing.CancelAsync().ConfigureAwait(false);
        await looks.DisposeAsync().ConfigureAwait(false);
        listener.Stop();
        foreach (var link in links.Values) link.Close();
        foreach (var client in incoming.Keys) client.Close();
        await accepting.ConfigureAwait(false);
    }

    public void Count(int bytes) => Interlocked.Add(ref bytesSent, bytes);

    public bool IsCut(string host, int port) => links.TryGetValue((host, port), out var link) && link.State.IsCut;

    private OutgoingLink LinkTo(string host, int port) =>
        links.GetOrAdd((host, port), static (at, self) => new OutgoingLink(self, at.Host, at.Port), this);

    private async Task AcceptAsync()
    {
        await Task.Yield();
        while (!closing.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptTcpClientAsync(closing.Token).ConfigureAwait(false);
                _ = ReceiveAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                if (closing.IsCancellationRequested) return;
                System.Log.Warning("A connection could not be accepted: {0}", e.Message);
            }
        }
    }

    /// <summary>Our certificate or our trust is another one: who is trusted no more is cut off, the others get a new
    /// connection before they lose the present one.</summary>
    private void OnRenewed()
    {
        foreach (var (client, line) in incoming)
        {
            if (!IsDisowned(line.Certificate)) continue;
            Handshake.SayRefused(client.Client.RemoteEndPoint, "disowned", "its certificate's CA is trusted no more");
            client.Close();
        }

        foreach (var link in links.Values) link.Renew();
    }

    public bool IsDisowned(X509Certificate2? certificate) =>
        certificate is not null && Identity is { } identity && identity.IsDisowned(certificate);

    private async Task ReceiveAsync(TcpClient client)
    {
        await Task.Yield();
        using (client)
        {
            try
            {
                client.NoDelay = true;
                if (await WelcomeAsync(client).ConfigureAwait(false) is not { } line) return;
                await using (line.ConfigureAwait(false))
                {
                    incoming[client] = line;
                    if (!Membership.IsMember(line.Peer) || IsDisowned(line.Certificate)) return;
                    // A pipe is wished for with the first frame, and its bytes follow the answer: nothing may be read ahead.
                    if (await Frames.ReadAsync(line.Stream, closing.Token).ConfigureAwait(false) is not { } first) return;
                    EngineMeters.Received(first.Length + 4);
                    if (PipeFrames.ReadWish(first) is var (host, port))
                    {
                        await Pipes.ServeAsync(line, host, port, closing.Token).ConfigureAwait(false);
                        return;
                    }

                    Deliver(line.Peer, line.Self, first);
                    var buffered = new BufferedStream(line.Stream, 64 * 1024);
                    while (await Frames.ReadAsync(buffered, closing.Token).ConfigureAwait(false) is { } frame)
                    {
                        EngineMeters.Received(frame.Length + 4);
                        Deliver(line.Peer, line.Self, frame);
                    }
                }
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException
                                          or ObjectDisposedException)
            {
            }
            catch (InvalidDataException e)
            {
                Handshake.SayRefused(Peer(client), "frame", e.Message);
            }
            finally
            {
                // Often the first sign that a node died: the store can tell.
                if (incoming.TryRemove(client, out _) && !closing.IsCancellationRequested) Membership.Refresh();
            }
        }
    }

    private async Task<NodeLine?> WelcomeAsync(TcpClient client)
    {
        if (Peer(client) is not IPEndPoint peer) return null;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        patience.CancelAfter(Settings.ConnectTimeout * 2);
        if (halfOpen.Admit(client, peer.Address) is { } crowded)
        {
            Handshake.SayRefused(new IPEndPoint(crowded, 0), "flood",
                $"too many connections have not shown who they are (from one address {Settings.HalfOpenPerPeer}, in all "
                + $"{Settings.HalfOpen}); the oldest is closed");
        }

        try
        {
            return await Handshake.AcceptAsync(client, () => halfOpen.Release(client), patience.Token).ConfigureAwait(false);
        }
        finally
        {
            halfOpen.Release(client);
        }
    }

    private static EndPoint? Peer(TcpClient client)
    {
        try
        {
            return client.Client?.RemoteEndPoint;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    private void Deliver(NodeId from, NodeId self, byte[] frame)
    {
        if (!Membership.IsMember(from)) throw new IOException("the peer is no member any more");

        // What waited in our buffers while this process was frozen is old: its sender has long asked someone else.
        if (!Membership.MayAct || Membership.Self != self)
            throw new IOException("this node was isolated since the peer greeted it");
        RoutedMessage? routed;
        string recipient;
        object message;
        IActorRef? sender;
        try
        {
            (routed, recipient, message, sender) = Frames.Read(frame);
        }
        catch (Exception e)
        {
            if (Handshake.MaySay($"{from} unread", out var more))
                System.Log.Error(e, "A message from node {0} could not be read and is lost{1}", from, more);
            return;
        }

        if (sender is RemoteActorRef { Path.Address: { Host: { } host, Port: { } port } } && !IsAt(from, host, port))
            LinkTo(host, port).CameAround();
        if (routed is not null) Route(routed);
        else if (System.ResolveActorRef(recipient) is RemoteActorRef { Path.Address: { Host: { } to, Port: { } at } } far)
            LinkTo(to, at).Send(new Outgoing(message, sender, far) { IsPassedOn = true });
        else System.ResolveActorRef(recipient).Tell(message, sender!);
    }

    private bool IsAt(NodeId node, string host, int port) =>
        Membership.View.Members.Any(m => m.Node.Id == node && m.Node.Host == host && m.Node.Port == port);
}

internal sealed record Outgoing(object Message, IActorRef? Sender, RemoteActorRef? Recipient)
{
    /// <summary>It came from another node to be passed on: it goes straight or not at all.</summary>
    public bool IsPassedOn { get; init; }
}
