using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Tests.Cluster.Harness;

public static class Ports
{
    /// <summary>A TCP port that nothing on this machine listened on a moment ago.</summary>
    public static int Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
