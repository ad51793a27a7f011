using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Channels;
using Akka.Event;

namespace Orchestrator.Engine.Remote;

/// <summary>
/// The way to one address. Keeps a bounded queue, connects when there is something to send, and again after a pause
/// when the connection breaks. What was handed to a broken connection may be lost; what still waits is not.
/// </summary>
internal sealed class OutgoingLink : IDisposable
{
    private readonly EngineTransport transport;
    private readonly string host;
    private readonly int port;
    private readonly Channel<Outgoing> queue;
    private readonly CancellationTokenSource closing = new();
    private volatile TcpClient? connected;
    private readonly List<Outgoing> unsent = [];
    private NodeId peer;

    public OutgoingLink(EngineTransport transport, string host, int port)
    {
        this.transport = transport;
        this.host = host;
        this.port = port;
        queue = Channel.CreateBounded<Outgoing>(
            new BoundedChannelOptions(transport.Settings.SendQueue) { SingleReader = true });
        _ = RunAsync();
    }

    public bool IsConnected => connected is { Connected: true };

    public void Send(Outgoing message)
    {
        if (!queue.Writer.TryWrite(message)) transport.Lose(Dead(message.Message), message.Sender, message.Recipient);
    }

    /// <summary>Drops the connection to an incarnation that is no member any more.</summary>
    public void OnView(ClusterView view)
    {
        if (connected is { } client && view.Members.All(m => m.Node.Id != peer)) client.Close();
    }

    public void Close()
    {
        closing.Cancel();
        queue.Writer.TryComplete();
        connected?.Close();
    }

    public void Dispose() => Close();

    /// <summary>A full queue must not send an entity's message round in circles: it ends here, as a dead letter.</summary>
    private static object Dead(object message) => message is RoutedMessage routed ? routed.Message : message;

    private async Task RunAsync()
    {
        await Task.Yield();
        var pause = transport.Settings.BackoffMin;
        while (!closing.IsCancellationRequested)
        {
            try
            {
                if (unsent.Count == 0 && !await queue.Reader.WaitToReadAsync(closing.Token).ConfigureAwait(false)) break;
                using var client = new TcpClient { NoDelay = true };
                var stream = await ConnectAsync(client).ConfigureAwait(false);
                await using (stream.ConfigureAwait(false))
                {
                    pause = transport.Settings.BackoffMin;
                    using var broken = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
                    var watch = WatchAsync(stream, client, broken);
                    try
                    {
                        await PumpAsync(stream, broken.Token).ConfigureAwait(false);
                    }
                    finally
                    {
                        client.Close();
                        await watch.ConfigureAwait(false);
                    }
                }
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is IOException or SocketException or AuthenticationException
                                          or InvalidDataException or OperationCanceledException or ObjectDisposedException)
            {
                if (closing.IsCancellationRequested) break;
                connected = null;
                transport.System.Log.Info("No connection to the node at {0}:{1}: {2}", host, port, e.Message);
                transport.Membership.Refresh();
                await Task.Delay(pause, CancellationToken.None).ConfigureAwait(false);
                pause = pause * 2 < transport.Settings.BackoffMax ? pause * 2 : transport.Settings.BackoffMax;
            }
        }

        connected = null;
        foreach (var left in unsent) transport.Lose(left.Message, left.Sender, left.Recipient);
        while (queue.Reader.TryRead(out var left)) transport.Lose(left.Message, left.Sender, left.Recipient);
    }

    private async Task<Stream> ConnectAsync(TcpClient client)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        patience.CancelAfter(transport.Settings.ConnectTimeout);
        await client.ConnectAsync(host, port, patience.Token).ConfigureAwait(false);
        Stream stream = client.GetStream();
        if (transport.Identity is { } identity)
        {
            var secure = new SslStream(stream, leaveInnerStreamOpen: false);
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ClientCertificates = [identity.Certificate],
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = identity.Validation,
            }, patience.Token).ConfigureAwait(false);
            stream = secure;
        }

        var membership = transport.Membership;
        if (membership.Self is not { } self) throw new IOException("this node is no member now");
        await stream.WriteAsync(transport.Frames.Hello(membership.Settings.ClusterId, self), patience.Token).ConfigureAwait(false);
        await stream.FlushAsync(patience.Token).ConfigureAwait(false);
        var answer = await transport.Frames.ReadAsync(stream, patience.Token).ConfigureAwait(false)
            ?? throw new IOException("the peer closed the connection");
        peer = Frames.ReadHello(answer).Node;
        if (!membership.IsMember(peer)) membership.Refresh();
        connected = client;
        return stream;
    }

    /// <summary>Writes until the connection is known to be broken. What was taken off the queue and not written yet
    /// stays in <see cref="unsent"/> and goes first over the next connection.</summary>
    private async Task PumpAsync(Stream stream, CancellationToken broken)
    {
        var together = new MemoryStream(64 * 1024);
        while (unsent.Count > 0 || await queue.Reader.WaitToReadAsync(broken).ConfigureAwait(false))
        {
            together.SetLength(0);
            foreach (var waiting in unsent) Add(together, waiting);
            while (together.Length < 64 * 1024 && queue.Reader.TryRead(out var next))
            {
                unsent.Add(next);
                Add(together, next);
            }

            // The last look before anything leaves: a process that was frozen must not speak with old ideas.
            if (!transport.Membership.MayAct) throw new IOException("this node may not act now");
            broken.ThrowIfCancellationRequested();
            EngineMeters.Sent(unsent.Count, together.Length);
            unsent.Clear();
            await stream.WriteAsync(together.GetBuffer().AsMemory(0, (int)together.Length), broken).ConfigureAwait(false);
            await stream.FlushAsync(broken).ConfigureAwait(false);
            transport.Count((int)together.Length);
        }
    }

    private void Add(MemoryStream together, Outgoing next)
    {
        try
        {
            together.Write(transport.Frames.Message(next.Message, Path(next), next.Sender));
        }
        catch (Exception e)
        {
            transport.System.Log.Error(e, "A message of {0} cannot be sent", Dead(next.Message).GetType());
            transport.Lose(Dead(next.Message), next.Sender, next.Recipient);
        }
    }

    private static string Path(Outgoing next) =>
        next.Recipient is { } recipient ? recipient.Path.ToSerializationFormat() : "";

    /// <summary>The peer says nothing after its greeting: what can be read is the end of the connection.</summary>
    private async Task WatchAsync(Stream stream, TcpClient client, CancellationTokenSource broken)
    {
        try
        {
            var one = new byte[1];
            await stream.ReadAsync(one, closing.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }

        await broken.CancelAsync().ConfigureAwait(false);
        client.Close();
        if (!closing.IsCancellationRequested) transport.Membership.Refresh();
    }
}
