using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
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
    private readonly ConcurrentDictionary<TcpClient, NodeId> incoming = new();
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

        foreach (var (client, node) in incoming)
            if (view.Members.All(m => m.Node.Id != node)) client.Close();
    }

    /// <summary>A message that cannot be delivered: an entity's goes back to be routed anew, others are dead letters.</summary>
    public void Lose(object message, IActorRef? sender, IActorRef? recipient)
    {
        if (message is RoutedMessage routed && !closing.IsCancellationRequested) Route(routed);
        else System.DeadLetters.Tell(
            new DeadLetter(message, sender ?? System.DeadLetters, recipient ?? System.DeadLetters), ActorRefs.NoSender);
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await looks.DisposeAsync().ConfigureAwait(false);
        listener.Stop();
        foreach (var link in links.Values) link.Close();
        foreach (var client in incoming.Keys) client.Close();
        await accepting.ConfigureAwait(false);
    }

    public void Count(int bytes) => Interlocked.Add(ref bytesSent, bytes);

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

    private async Task ReceiveAsync(TcpClient client)
    {
        await Task.Yield();
        using (client)
        {
            var peer = client.Client.RemoteEndPoint;
            try
            {
                client.NoDelay = true;
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
                patience.CancelAfter(Settings.ConnectTimeout * 2);
                var stream = await SecureAsync(client, patience.Token).ConfigureAwait(false);
                await using (stream.ConfigureAwait(false))
                {
                    if (await GreetAsync(stream, patience.Token).ConfigureAwait(false) is not var (node, self)) return;
                    incoming[client] = node;
                    if (!Membership.IsMember(node)) return;
                    var buffered = new BufferedStream(stream, 64 * 1024);
                    while (await Frames.ReadAsync(buffered, closing.Token).ConfigureAwait(false) is { } frame)
                        Deliver(node, self, frame);
                }
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException
                                          or ObjectDisposedException)
            {
            }
            catch (Exception e) when (e is AuthenticationException or InvalidDataException)
            {
                System.Log.Warning("The connection from {0} was closed: {1}", peer, e.Message);
            }
            finally
            {
                // Often the first sign that a node died: the store can tell.
                if (incoming.TryRemove(client, out _) && !closing.IsCancellationRequested) Membership.Refresh();
            }
        }
    }

    private async Task<Stream> SecureAsync(TcpClient client, CancellationToken cancel)
    {
        if (Identity is not { } identity) return client.GetStream();
        var secure = new SslStream(client.GetStream(), leaveInnerStreamOpen: false);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = identity.Certificate,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = identity.Validation,
        }, cancel).ConfigureAwait(false);
        return secure;
    }

    /// <summary>Answers with our own greeting when the peer is a member; its row may be newer than our view.</summary>
    private async Task<(NodeId Peer, NodeId Self)?> GreetAsync(Stream stream, CancellationToken cancel)
    {
        if (await Frames.ReadAsync(stream, cancel).ConfigureAwait(false) is not { } first) return null;
        var (edition, cluster, node) = Frames.ReadHello(first);
        if (edition != 1) throw new InvalidDataException($"it speaks edition {edition} of the protocol, this node edition 1");
        if (cluster != Membership.Settings.ClusterId)
            throw new InvalidDataException($"it belongs to the cluster '{cluster}', not to '{Membership.Settings.ClusterId}'");
        while (!Membership.IsMember(node) || Membership.Self is null)
        {
            Membership.Refresh();
            await Task.Delay(20, cancel).ConfigureAwait(false);
        }

        var self = Membership.Self ?? default;
        await stream.WriteAsync(Frames.Hello(cluster, self), cancel).ConfigureAwait(false);
        await stream.FlushAsync(cancel).ConfigureAwait(false);
        return (node, self);
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
            System.Log.Error(e, "A message from node {0} could not be read and is lost", from);
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
