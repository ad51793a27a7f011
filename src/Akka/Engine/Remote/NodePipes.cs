using System.Net.Sockets;
using Akka.Actor;
using Akka.Event;
using Orchestrator.Engine.Remote;

namespace Orchestrator.Engine;

/// <summary>The node does not make this pipe; the message says why.</summary>
public sealed class PipeRefusedException(string sentence, Exception? cause = null) : IOException(sentence, cause);

/// <summary>
/// Pipes through other nodes to places that this node does not reach itself: bytes that pass unread. A pipe is a connection
/// of its own between the two nodes, with the handshake of all of them; so only members have it. Where it may lead, the
/// <see cref="Door"/> of the node in the middle decides. Its two ends close together.
/// </summary>
public sealed class NodePipes
{
    /// <summary>For the node in the middle to reach the place and to answer.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    private readonly EngineTransport transport;
    private int open;

    internal NodePipes(EngineTransport transport) => this.transport = transport;

    /// <summary>Connects to a place for another node, or throws a <see cref="PipeRefusedException"/>. Null: this node lets
    /// nobody through.</summary>
    public Func<string, int, CancellationToken, Task<Stream>>? Door { get; set; }

    /// <summary>So many pipes go through this node at the same time.</summary>
    public int Limit { get; set; } = 500;

    /// <summary>A pipe through which nothing moved for this long is closed by the node in the middle.</summary>
    public TimeSpan Idle { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Pipes that go through this node now.</summary>
    public int Open => Volatile.Read(ref open);

    /// <summary>Null in a system whose nodes are not joined by sockets.</summary>
    public static NodePipes? Of(ActorSystem system) =>
        (Akka.Cluster.Cluster.Get(system).Transport as EngineTransport)?.Pipes;

    /// <summary>Other members that carry entities, those first to which the link is whole.</summary>
    public IReadOnlyList<NodeDescription> Others()
    {
        var membership = transport.Membership;
        return [.. membership.View.Members
            .Where(m => m.Node.Id != membership.Self && m.Status == NodeStatus.Up && !m.ShardTypes.IsEmpty)
            .Select(m => m.Node).OrderBy(n => transport.IsCut(n.Host, n.Port))];
    }

    /// <summary>A stream to a place by way of the member at this address.</summary>
    /// <exception cref="PipeRefusedException">That node does not reach the place, or does not want to.</exception>
    public async Task<Stream> OpenAsync(string node, int nodePort, string host, int port, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(transport.Settings.ConnectTimeout + AnswerLimit);
        NodeLine? line = null;
        try
        {
            line = await transport.Handshake.ConnectAsync(
                node, async (client, c) => await client.ConnectAsync(node, nodePort, c).ConfigureAwait(false), limit.Token).ConfigureAwait(false);
            SocketHealth.Watch(line.Client.Client);
            await line.Stream.WriteAsync(PipeFrames.Wish(host, port), limit.Token).ConfigureAwait(false);
            await line.Stream.FlushAsync(limit.Token).ConfigureAwait(false);
            await PipeFrames.ReadAnswerAsync(line.Stream, limit.Token).ConfigureAwait(false);
            return new PipeStream(line);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            if (line is not null) await line.DisposeAsync().ConfigureAwait(false);
            throw e as PipeRefusedException ?? new PipeRefusedException(
                $"the node at {node}:{nodePort} could not be asked: {(e is OperationCanceledException ? "no answer in time" : e.Message)}", e);
        }
        catch
        {
            if (line is not null) await line.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Lets a member through; ends when either side has.</summary>
    internal async Task ServeAsync(NodeLine line, string host, int port, CancellationToken closing)
    {
        try
        {
            if (Interlocked.Increment(ref open) > Limit)
                throw new PipeRefusedException($"{Limit} connections go through this node already");
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(closing);
            limit.CancelAfter(AnswerLimit);
            var there = await ReachAsync(host, port, limit.Token).ConfigureAwait(false);
            await using (there.ConfigureAwait(false))
            {
                await line.Stream.WriteAsync(PipeFrames.Made(), closing).ConfigureAwait(false);
                await line.Stream.FlushAsync(closing).ConfigureAwait(false);
                await JoinedStreams.PassAsync(line.Stream, there, Idle, transport.System.Clock, closing).ConfigureAwait(false);
            }
        }
        catch (PipeRefusedException e)
        {
            if (transport.Handshake.MaySay($"{line.Peer} {host}:{port} {e.Message}", out var more))
                transport.System.Log.Warning("Node {0} is not let through to {1}:{2}: {3}{4}", line.Peer, host, port, e.Message, more);
            await line.Stream.WriteAsync(Greeting.Refusal(e.Message), closing).ConfigureAwait(false);
            await line.Stream.FlushAsync(closing).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref open);
        }
    }

    private async Task<Stream> ReachAsync(string host, int port, CancellationToken limit)
    {
        if (Door is not { } door) throw new PipeRefusedException("this node lets nobody through");
        try
        {
            return await door(host, port, limit).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            throw new PipeRefusedException(
                $"{host}:{port} is not reached from here: {(e is OperationCanceledException ? "no answer in time" : e.Message)}", e);
        }
    }
}
