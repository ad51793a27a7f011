using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>A bare hand on a port: what is shown there, and what is said to whoever shows a certificate or none.</summary>
public static class TlsProbe
{
    /// <summary>The serial number of the certificate that a port shows now.</summary>
    public static async Task<string> Serial(string address, int port, X509Certificate2? own = null)
    {
        await using var secure = await Connect(address, port, own, SslProtocols.None);
        return secure.RemoteCertificate!.GetSerialNumberString();
    }

    /// <summary>Shakes hands with a node's cluster port and answers the sentence by which it refuses, or null when it
    /// waits for a greeting or closes without a word.</summary>
    /// <param name="greeting">Sent after the handshake, if any.</param>
    public static async Task<string?> Refusal(string address, int port, X509Certificate2? own, byte[]? greeting = null)
    {
        await using var secure = await Connect(address, port, own, SslProtocols.Tls13);
        if (greeting is not null) await secure.WriteAsync(greeting);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var head = new byte[5];
        if (await secure.ReadAtLeastAsync(head, 5, throwOnEndOfStream: false, limit.Token) < 5) return null;
        var body = new byte[BinaryPrimitives.ReadInt32LittleEndian(head) - 1];
        await secure.ReadExactlyAsync(body, limit.Token);
        if (head[4] != 3) return null;
        using var reader = new BinaryReader(new MemoryStream(body), Encoding.UTF8);
        return reader.ReadString();
    }

    /// <summary>The greeting of a node: edition 1, its cluster, its id.</summary>
    public static byte[] Hello(string cluster, Guid node)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);
        writer.Write(0);
        writer.Write((byte)2);
        writer.Write(1);
        writer.Write(cluster);
        writer.Write(node.ToByteArray());
        writer.Flush();
        var frame = bytes.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - 4);
        return frame;
    }

    public static async Task<SslStream> Connect(string address, int port, X509Certificate2? own, SslProtocols protocols)
    {
        var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address, port);
            var secure = new SslStream(client.GetStream(), leaveInnerStreamOpen: false);
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = address,
                EnabledSslProtocols = protocols,
                ClientCertificateContext = own is null ? null : SslStreamCertificateContext.Create(own, null, offline: true),
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            });
            return secure;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }
}
