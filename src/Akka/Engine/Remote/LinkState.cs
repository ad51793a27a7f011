using System.Net.Sockets;
using Akka.Event;

namespace Orchestrator.Engine.Remote;

/// <summary>
/// Whether the way to one address is whole or cut, and what the log is told of it. Cut means: the kernel has had no
/// acknowledgement for <see cref="RemoteSettings.CutAfter"/>, or no answer to a connection, while the peer is a member.
/// A refused connection is no cut: then nobody listens there, and the store knows more.
/// </summary>
internal sealed class LinkState(EngineTransport transport, string host, int port)
{
    /// <summary>After a message came around because its sender cannot reach us, our own silence is not trusted for so long.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(1);

    /// <summary>An acknowledgement of this age proves that the way is whole.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(300);

    private readonly Lock gate = new();
    private volatile bool cut;
    private long cutAt;
    private long doubtedAt;
    private long sentSince;
    private int detours;

    /// <summary>Messages are to take another way, if there is one.</summary>
    public bool IsCut => cut;

    public bool IsDoubted =>
        Volatile.Read(ref doubtedAt) is var at and not 0 && transport.System.Clock.GetElapsedTime(at) < Doubt;

    private NodeId? Peer => transport.Membership.View.Members
        .FirstOrDefault(m => m.Node.Host == host && m.Node.Port == port)?.Node.Id;

    public void Detoured() => Interlocked.Increment(ref detours);

    /// <summary>A message of that peer came by way of another node: perhaps it knows already what we do not.</summary>
    public void CameAround(Socket? socket)
    {
        if (socket is not null && SocketHealth.Read(socket) is { } health && health.SinceAcknowledgement > Fresh)
            Volatile.Write(ref doubtedAt, Math.Max(1, transport.System.Clock.GetTimestamp()));
    }

    /// <summary>Looks at a connection; true when it has just been found cut.</summary>
    public bool FindsCut(Socket socket)
    {
        if (cut || SocketHealth.Read(socket) is not { } health) return false;
        var now = transport.System.Clock.GetTimestamp();
        if (!health.HasMore || health.IsFull) sentSince = 0;
        else if (sentSince == 0) sentSince = Math.Max(1, now);
        var waiting = sentSince == 0 ? TimeSpan.Zero : transport.System.Clock.GetElapsedTime(sentSince, now);
        var silent = health.SinceAcknowledgement;
        var limit = transport.Settings.CutAfter;
        return !health.IsFull && ((silent >= limit && waiting >= limit) || silent >= SocketHealth.IdleProbe + limit)
            ? Cut($"nothing was acknowledged for {silent.TotalSeconds:0.0} s")
            : false;
    }

    /// <summary>True when it was whole until now.</summary>
    public bool Cut(string why)
    {
        lock (gate)
        {
            if (cut || Peer is not { } peer) return false;
            cut = true;
            cutAt = transport.System.Clock.GetTimestamp();
            detours = 0;
            sentSince = 0;
            transport.System.Log.Warning(
                "The link to node {0} at {1}:{2} is cut: {3}. {4}", peer, host, port, why,
                transport.WayAround(host, port, null) is { } relay
                    ? $"Messages go by way of the node at {relay.Address}."
                    : "No other node can pass messages on: they wait.");
            transport.System.EventStream.Publish(new PathBroken(peer));
        }

        transport.Membership.Refresh();
        return true;
    }

    /// <summary>Connected. After a break, what was sent last may be lost.</summary>
    public void Mended(bool broke)
    {
        lock (gate)
        {
            if (cut)
            {
                transport.System.Log.Info(
                    "The link to node {0} at {1}:{2} is whole again after {3} s; {4} messages took another way", Peer, host,
                    port, $"{transport.System.Clock.GetElapsedTime(cutAt).TotalSeconds:0.0}", detours);
            }

            cut = false;
            sentSince = doubtedAt = 0;
            if (broke && Peer is { } peer) transport.System.EventStream.Publish(new PathBroken(peer));
        }
    }
}
