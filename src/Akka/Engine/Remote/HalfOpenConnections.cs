using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Engine.Remote;

/// <summary>
/// Connections that have not shown who they are. Their number is bounded, for each address and in all; beyond that the
/// oldest is closed, since an honest peer needs milliseconds and one that stalls is the oldest before long.
/// </summary>
internal sealed class HalfOpenConnections(int perPeer, int total)
{
    private readonly Lock gate = new();
    private readonly LinkedList<(TcpClient Client, IPAddress Peer)> waiting = new();
    private readonly Dictionary<TcpClient, LinkedListNode<(TcpClient Client, IPAddress Peer)>> places = [];

    public int Count
    {
        get
        {
            lock (gate) return waiting.Count;
        }
    }

    /// <returns>The one that had to go for it, already closed; or null.</returns>
    public IPAddress? Admit(TcpClient client, IPAddress peer)
    {
        TcpClient? victim = null;
        IPAddress? of = null;
        lock (gate)
        {
            if (waiting.Count(w => w.Peer.Equals(peer)) >= perPeer)
                (victim, of) = waiting.First(w => w.Peer.Equals(peer));
            else if (waiting.Count >= total)
                (victim, of) = waiting.First!.Value;
            if (victim is not null) Remove(victim);
            places[client] = waiting.AddLast((client, peer));
        }

        victim?.Close();
        return of;
    }

    /// <summary>It showed who it is, or is gone.</summary>
    public void Release(TcpClient client)
    {
        lock (gate) Remove(client);
    }

    private void Remove(TcpClient client)
    {
        if (places.Remove(client, out var place)) waiting.Remove(place);
    }
}
