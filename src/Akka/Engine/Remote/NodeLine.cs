using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Engine.Remote;

/// <summary>A connection whose two ends know each other.</summary>
internal sealed record NodeLine(TcpClient Client, Stream Stream, NodeId Peer, NodeId Self, X509Certificate2? Certificate)
    : IAsyncDisposable
{
    /// <summary>Says that nothing more comes; what was sent before is still read by the peer. TLS's own farewell is left
    /// out: it must not be said while another thread reads.</summary>
    public async Task FinishAsync(CancellationToken cancel)
    {
        await Stream.FlushAsync(cancel).ConfigureAwait(false);
        Client.Client.Shutdown(SocketShutdown.Send);
    }

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync().ConfigureAwait(false);
        Client.Dispose();
    }
}
