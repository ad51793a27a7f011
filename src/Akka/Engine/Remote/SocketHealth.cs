using System.Buffers.Binary;
using System.Net.Sockets;

namespace Orchestrator.Engine.Remote;

/// <summary>What the kernel knows of a connection: whether what was sent is acknowledged. It tells a cut cable from a busy or
/// frozen process, whose kernel goes on acknowledging. Linux alone; elsewhere nothing is known.</summary>
/// <param name="HasMore">Something was sent or waits in the kernel that the peer's kernel has not acknowledged.</param>
/// <param name="IsFull">The peer's kernel has no room for more: its process is busy or frozen, and the way is whole.</param>
internal readonly record struct SocketHealth(bool HasMore, bool IsFull, TimeSpan SinceAcknowledgement)
{
    private const int Tcp = 6;
    private const int TcpInfo = 11;

    /// <summary>An idle connection is tried by the kernel after this time, so an acknowledgement is never older.</summary>
    public static readonly TimeSpan IdleProbe = TimeSpan.FromSeconds(1);

    public static void Watch(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)IdleProbe.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)IdleProbe.TotalSeconds);
    }

    /// <summary>Null when nothing can be known.</summary>
    public static SocketHealth? Read(Socket socket)
    {
        if (!OperatingSystem.IsLinux()) return null;
        Span<byte> info = stackalloc byte[256];
        int length;
        try
        {
            length = socket.GetRawSocketOption(Tcp, TcpInfo, info);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }

        // struct tcp_info of linux/tcp.h, which only grows at its end; snd_wnd came with Linux 5.4.
        const int unacked = 24, lastAckReceived = 56, notSentBytes = 144, sendWindow = 228;
        if (length < sendWindow + 4) return null;
        return new SocketHealth(
            Word(info, unacked) > 0 || Word(info, notSentBytes) > 0, Word(info, sendWindow) == 0,
            TimeSpan.FromMilliseconds(Word(info, lastAckReceived)));
    }

    private static uint Word(ReadOnlySpan<byte> info, int at) => BinaryPrimitives.ReadUInt32LittleEndian(info[at..]);
}
