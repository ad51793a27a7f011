using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Channels;
using Akka.Event;

namespace Orchestrator.Engine.Remote;

/// <summary>
/// The way to one address. Keeps a bounded queue, connects when there is something to send, and again after a pause
/// when the connection breaks. What was handed to a broken connection may be lost; what still waits is not. While the
/// way is cut, what waits goes by another node, and the connection is tried all the time.
/// </summary>
internal sealed class OutgoingLink : IDisposable
{
    private readonly EngineTransport transport;
    private readonly string host;
    private readonly int port;
    private readonly Channel<Outgoing> queue;
    private readonly CancellationTokenSource closing = new();
    private readonly List<Outgoing> unsent = [];
    private volatile NodeLine? connected;
    private NodeLine? successor;
    private volatile CancellationTokenSource? relief;
    private int renewals;
    private bool broke;

    public OutgoingLink(EngineTransport transport, string host, int port)
    {
        this.transport = transport;
        this.host = host;
        this.port = port;
        State = new LinkState(transport, host, port);
        queue = Channel.CreateBounded<Outgoing>(
            new BoundedChannelOptions(transport.Settings.SendQueue) { SingleReader = true });
        _ = RunAsync();
    }

    public bool IsConnected => connected is { Client.Connected: true };

    public LinkState State { get; }

    public string Address => $"{host}:{port}";

    /// <summary>A message of that peer came by way of another node.</summary>
    public void CameAround() => State.CameAround(connected?.Client.Client);

    /// <summary>Closes the connection when it is found cut.</summary>
    public void Look()
    {
        if (connected is { Client: { Client: { } socket } client } && State.FindsCut(socket)) client.Close();
    }

    public void Send(Outgoing message)
    {
        if (!queue.Writer.TryWrite(message)) transport.Lose(Dead(message.Message), message.Sender, message.Recipient);
    }

    /// <summary>Drops the connection to an incarnation that is no member any more.</summary>
    public void OnView(ClusterView view)
    {
        if (connected is { } line && view.Members.All(m => m.Node.Id != line.Peer)) line.Client.Close();
    }

    public void Close()
    {
        closing.Cancel();
        queue.Writer.TryComplete();
        connected?.Client.Close();
    }

    /// <summary>Our certificate or our trust is another one. The present connection stays until its successor is made, and
    /// carries on when that fails; unless the peer showed a certificate that is trusted no more, and has no other.</summary>
    public void Renew()
    {
        if (connected is not null) _ = SucceedAsync(Interlocked.Increment(ref renewals));
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
                if (State.IsCut) Detour();
                else if (unsent.Count == 0 && Volatile.Read(ref successor) is null
                    && !await queue.Reader.WaitToReadAsync(closing.Token).ConfigureAwait(false)) break;
                var line = Interlocked.Exchange(ref successor, null) ?? await ConnectAsync(ReachAsync).ConfigureAwait(false);
                await using (line.ConfigureAwait(false))
                {
                    connected = line;
                    pause = transport.Settings.BackoffMin;
                    if (State.IsCut) await SettleAsync().ConfigureAwait(false);
                    State.Mended(broke);
                    broke = false;
                    await UseAsync(line).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                // Whatever it was: a link that ends for good would swallow all that is sent over it.
                if (closing.IsCancellationRequested) break;
                broke |= connected is not null;
                connected = null;
                SayWhy(e);
                transport.Membership.Refresh();
                await Task.Delay(pause, CancellationToken.None).ConfigureAwait(false);
                pause = pause * 2 < transport.Settings.BackoffMax ? pause * 2 : transport.Settings.BackoffMax;
            }
        }

        connected = null;
        if (Interlocked.Exchange(ref successor, null) is { } unused) await unused.DisposeAsync().ConfigureAwait(false);
        foreach (var left in unsent) transport.Lose(left.Message, left.Sender, left.Recipient);
        while (queue.Reader.TryRead(out var left)) transport.Lose(left.Message, left.Sender, left.Recipient);
    }

    private async Task<NodeLine> ConnectAsync(Func<TcpClient, CancellationToken, Task> reach)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        patience.CancelAfter(transport.Settings.ConnectTimeout);
        return await transport.Handshake.ConnectAsync(host, reach, patience.Token).ConfigureAwait(false);
    }

    private async Task ReachAsync(TcpClient client, CancellationToken cancel)
    {
        var knock = client.ConnectAsync(host, port, cancel).AsTask();
        try
        {
            await knock.WaitAsync(transport.Settings.CutAfter, transport.System.Clock, cancel).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Nobody there would have refused it; a frozen process would have been answered for by its kernel.
            if (State.Cut("a connection was not answered")) Detour();
            await knock.ConfigureAwait(false);
        }

        SocketHealth.Watch(client.Client);
    }

    /// <summary>As long as the present connection is in use, what waits is its own affair.</summary>
    private async Task ReachAgainAsync(TcpClient client, CancellationToken cancel)
    {
        await client.ConnectAsync(host, port, cancel).ConfigureAwait(false);
        SocketHealth.Watch(client.Client);
    }

    private async Task UseAsync(NodeLine line)
    {
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        using var relieved = CancellationTokenSource.CreateLinkedTokenSource(broken.Token);
        relief = relieved;
        // Whoever makes a successor writes it first and reads the relief then: one of the two sees the other.
        Interlocked.MemoryBarrier();
        var watch = WatchAsync(line, broken);
        try
        {
            if (Volatile.Read(ref successor) is null)
                await PumpAsync(line.Stream, broken.Token, relieved.Token).ConfigureAwait(false);
            // What is on the old connection is read before anything on the new one is sent: messages stay in order.
            if (Volatile.Read(ref successor) is not null)
            {
                await line.FinishAsync(broken.Token).ConfigureAwait(false);
                await watch.WaitAsync(transport.Settings.ConnectTimeout).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (Volatile.Read(ref successor) is not null
            && e is TimeoutException or IOException or SocketException or ObjectDisposedException)
        {
            // The peer reads slowly or not at all; what it did not read is lost, as with any broken connection;
            // the successor takes over at once.
        }
        finally
        {
            relief = null;
            line.Client.Close();
            await watch.ConfigureAwait(false);
        }
    }

    private async Task SucceedAsync(int renewal)
    {
        await Task.Yield();
        while (!closing.IsCancellationRequested && renewal == Volatile.Read(ref renewals) && connected is { } present)
        {
            try
            {
                var next = await ConnectAsync(ReachAgainAsync).ConfigureAwait(false);
                if (next.Peer != present.Peer)
                {
                    await next.DisposeAsync().ConfigureAwait(false);
                    return;
                }

                // One that was made by an earlier renewal and never used goes.
                if (Interlocked.Exchange(ref successor, next) is { } unused) await unused.DisposeAsync().ConfigureAwait(false);

                try
                {
                    if (relief is { } now) await now.CancelAsync().ConfigureAwait(false);
                }
                catch (ObjectDisposedException)
                {
                    // The old connection just ended by itself; the loop takes the successor.
                }

                transport.System.Log.Info("The connection to the node at {0}:{1} is made anew with the renewed certificate",
                    host, port);
                return;
            }
            catch (Exception e)
            {
                if (closing.IsCancellationRequested) return;
                if (transport.IsDisowned(present.Certificate)) present.Client.Close();
                if (transport.Handshake.MaySay($"{host}:{port} renewal", out var more))
                {
                    transport.System.Log.Warning(
                        "The connection to the node at {0}:{1} stays the old one, made before the renewal: {2}{3}",
                        host, port, e.Message, more);
                }

                await Task.Delay(transport.Settings.BackoffMax, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>A refusal is for the operator, once a minute; that a node is away is told once per reason and minute.</summary>
    private void SayWhy(Exception e)
    {
        var refused = e is AuthenticationException or RefusedByPeerException;
        var away = e is IOException or SocketException or OperationCanceledException or ObjectDisposedException;
        var why = e is RefusedByPeerException ? $"refused by that node: {e.Message}" : e.Message;
        if (!transport.Handshake.MaySay($"{host}:{port} {why}", out var more)) return;
        if (!refused && !away) transport.System.Log.Error(e, "The connection to the node at {0}:{1} failed{2}", host, port, more);
        else if (refused) transport.System.Log.Warning("No connection to the node at {0}:{1}: {2}{3}", host, port, why, more);
        else transport.System.Log.Info("No connection to the node at {0}:{1}: {2}{3}", host, port, why, more);
    }

    /// <summary>Writes until the connection is known to be broken. What was taken off the queue and not written yet
    /// stays in <see cref="unsent"/> and goes first over the next connection.</summary>
    private async Task PumpAsync(Stream stream, CancellationToken broken, CancellationToken relieved)
    {
        var together = new MemoryStream(64 * 1024);
        while (unsent.Count > 0 || await HasMoreAsync(broken, relieved).ConfigureAwait(false))
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

    /// <summary>False too when a successor is ready: between two batches the connections change.</summary>
    private async ValueTask<bool> HasMoreAsync(CancellationToken broken, CancellationToken relieved)
    {
        if (relieved.IsCancellationRequested && !broken.IsCancellationRequested) return false;
        try
        {
            return await queue.Reader.WaitToReadAsync(relieved).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!broken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>What waits takes the way of what is sent now, behind it.</summary>
    private void Detour()
    {
        unsent.RemoveAll(transport.SendAround);
        while (queue.Reader.TryPeek(out var next) && transport.SendAround(next)) queue.Reader.TryRead(out _);
    }

    /// <summary>What took another way shall arrive before what goes straight again.</summary>
    private async Task SettleAsync()
    {
        Detour();
        await Task.Delay(transport.Settings.CutAfter / 4, transport.System.Clock, closing.Token).ConfigureAwait(false);
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
    private async Task WatchAsync(NodeLine line, CancellationTokenSource broken)
    {
        try
        {
            var one = new byte[1];
            await line.Stream.ReadAsync(one, closing.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }

        await broken.CancelAsync().ConfigureAwait(false);
        line.Client.Close();
        if (!closing.IsCancellationRequested) transport.Membership.Refresh();
    }
}
