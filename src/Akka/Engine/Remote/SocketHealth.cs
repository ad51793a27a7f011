using System.Buffers.Binary;
using System.Net.Sockets;

namespace Orchestrator.Engine.Remote;

/// <summary>What the kernel knows of a connection: whether what was sent is acknowledged. It tells a cut cable from a busy or
/// frozen process, whose kernel goes on acknowledging. Linux alone; elsewhere nothing is known.</summary>
internal readonly record struct SocketHealth(uint Unacknowledged, TimeSpan SinceAcknowledgement)
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
        Span<byte> info = stackalloc byte[104];
        try
        {
            if (socket.GetRawSocketOption(Tcp, TcpInfo, info) < 60) return null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }

        // struct tcp_info: eight bytes, then words; unacked is the fifth after the timeouts, last_ack_recv the thirteenth.
        return new SocketHealth(
            BinaryPrimitives.ReadUInt32LittleEndian(info[24..]),
            TimeSpan.FromMilliseconds(BinaryPrimitives.ReadUInt32LittleEndian(info[56..])));
    }
}
