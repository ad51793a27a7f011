using System.Buffers;
using System.Net.Sockets;

namespace Orchestrator.Engine.Remote;

/// <summary>Passes what one stream says to the other, both ways, until one of them ends or nothing moves any more.</summary>
internal static class JoinedStreams
{
    private const int Chunk = 32 * 1024;

    public static async Task PassAsync(Stream one, Stream other, TimeSpan idle, TimeProvider clock, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var quiet = new CancellationTokenSource(idle, clock);
        await using var end = quiet.Token.UnsafeRegister(static o => ((CancellationTokenSource)o!).Cancel(), over).ConfigureAwait(false);
        var there = PassOneWayAsync(one, other, () => quiet.CancelAfter(idle), over);
        var back = PassOneWayAsync(other, one, () => quiet.CancelAfter(idle), over);
        await Task.WhenAll(there, back).ConfigureAwait(false);
    }

    private static async Task PassOneWayAsync(Stream from, Stream to, Action moved, CancellationTokenSource over)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            while (await from.ReadAsync(buffer, over.Token).ConfigureAwait(false) is var count and > 0)
            {
                moved();
                await to.WriteAsync(buffer.AsMemory(0, count), over.Token).ConfigureAwait(false);
                await to.FlushAsync(over.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // How it ended matters to neither side: both are closed.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            await over.CancelAsync().ConfigureAwait(false);
        }
    }
}
