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
/// the present view are listened to, and nothing leaves while this node may not act.
/// </summary>
internal sealed class EngineTransport : IRemoteTransport
{
    private readonly ConcurrentDictionary<(string Host, int Port), OutgoingLink> links = new();
    private readonly ConcurrentDictionary<TcpClient, NodeId> incoming = new();
    private readonly CancellationTokenSource closing = new();
    private readonly TcpListener listener;
    private readonly Task accepting;
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

        LinkTo(host, port).Send(new Outgoing(message, sender, recipient));
    }

    public void Send(NodeDescription node, RoutedMessage message) =>
        LinkTo(node.Host, node.Port).Send(new Outgoing(message, message.Sender, null));

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

    /// <summary>For each link, whether it is "connected" or "broken".</summary>
    public IEnumerable<string> LinkStates() => links.Values.Select(l => l.IsConnected ? "connected" : "broken");

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
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
                    {
                        EngineMeters.Received(frame.Length + 4);
                        Deliver(node, self, frame);
                    }
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

        if (routed is not null) Route(routed);
        else System.ResolveActorRef(recipient).Tell(message, sender!);
    }
}

internal sealed record Outgoing(object Message, IActorRef? Sender, RemoteActorRef? Recipient);
