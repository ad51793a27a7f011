using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;

namespace Orchestrator.Engine.Remote;

/// <summary>
/// TLS and the greetings. A certificate that is not accepted is still let through TLS's own handshake, and refused right
/// after it, before a byte of the peer's is read: only so do both ends see each other's certificate and can name it, and
/// the refused one gets the reason in words. No message of the peer is read before its certificate, its cluster and its
/// membership are known.
/// </summary>
internal sealed class NodeHandshake(EngineTransport transport)
{
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(1);
    private readonly LinePerMinute lines = new(transport.System.Clock);

    private RemoteIdentity? Identity => transport.Identity;

    private NodeMembership Membership => transport.Membership;

    /// <summary>Null when the peer was refused, or went without a word; the log has it.</summary>
    /// <param name="known">Called when the peer has shown an accepted certificate.</param>
    public async Task<NodeLine?> AcceptAsync(TcpClient client, Action known, CancellationToken cancel)
    {
        var address = client.Client.RemoteEndPoint;
        Stream stream = client.GetStream();
        X509Certificate2? certificate = null;
        if (Identity is { } identity)
        {
            var secure = new SslStream(stream, leaveInnerStreamOpen: false);
            stream = secure;
            try
            {
                await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = identity.Own,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    AllowRenegotiation = false,
                    AllowTlsResume = false,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    RemoteCertificateValidationCallback = (_, shown, _, _) => Keep(shown, out certificate),
                }, cancel).ConfigureAwait(false);
            }
            catch (Exception e) when (e is AuthenticationException or IOException && !cancel.IsCancellationRequested)
            {
                SayRefused(address, "tls", $"no TLS 1.3 handshake came about: {Greeting.Readable(e.GetBaseException().Message)}");
                await secure.DisposeAsync().ConfigureAwait(false);
                return null;
            }

            if (identity.Refuse(certificate, null) is { } refusal)
            {
                await TurnAwayAsync(client, stream, address, refusal, cancel).ConfigureAwait(false);
                return null;
            }
        }

        known();
        return await GreetAsync(client, stream, certificate, cancel).ConfigureAwait(false);
    }

    /// <exception cref="AuthenticationException">We refuse the peer; the message names its certificate.</exception>
    /// <exception cref="RefusedByPeerException">The peer refuses us; the message is its reason.</exception>
    /// <param name="reach">Connects the socket.</param>
    public async Task<NodeLine> ConnectAsync(
        string host, Func<TcpClient, CancellationToken, Task> reach, CancellationToken cancel)
    {
        var client = new TcpClient { NoDelay = true };
        try
        {
            await reach(client, cancel).ConfigureAwait(false);
            Stream stream = client.GetStream();
            X509Certificate2? certificate = null;
            if (Identity is { } identity)
            {
                var secure = new SslStream(stream, leaveInnerStreamOpen: false);
                stream = secure;
                await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = host,
                    ClientCertificateContext = identity.Own,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    AllowRenegotiation = false,
                    AllowTlsResume = false,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    RemoteCertificateValidationCallback = (_, shown, _, _) => Keep(shown, out certificate),
                }, cancel).ConfigureAwait(false);
                if (identity.Refuse(certificate, host) is { } refusal)
                {
                    await FarewellAsync(client, stream, refusal, cancel).ConfigureAwait(false);
                    throw new AuthenticationException($"refused by this node: {refusal.Sentence}");
                }
            }

            if (Membership.Self is not { } self) throw new IOException("this node is no member now");
            await stream.WriteAsync(transport.Frames.Hello(Membership.Settings.ClusterId, self), cancel).ConfigureAwait(false);
            await stream.FlushAsync(cancel).ConfigureAwait(false);
            var (_, _, peer) = await Greeting.ReadAsync(stream, cancel).ConfigureAwait(false)
                ?? throw new IOException("the peer closed the connection");
            if (!Membership.IsMember(peer)) Membership.Refresh();
            return new NodeLine(client, stream, peer, self, certificate);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>One line per address, reason and minute.</summary>
    public void SayRefused(EndPoint? peer, string kind, string why)
    {
        var at = (peer as IPEndPoint)?.Address.ToString() ?? "an unknown address";
        if (lines.Take($"{at} {kind}", out var held))
        {
            transport.System.Log.Warning(
                "The connection from {0} was refused: {1}{2}", peer?.ToString() ?? at, why, LinePerMinute.More(held));
        }
    }

    /// <summary>Whether a line about this subject may be written now; one a minute.</summary>
    public bool MaySay(string subject, out string more)
    {
        var may = lines.Take(subject, out var held);
        more = LinePerMinute.More(held);
        return may;
    }

    /// <summary>Answers with our own greeting when the peer is a member; its row may be newer than our view.</summary>
    private async Task<NodeLine?> GreetAsync(
        TcpClient client, Stream stream, X509Certificate2? certificate, CancellationToken cancel)
    {
        var address = client.Client.RemoteEndPoint;
        try
        {
            if (await Greeting.ReadAsync(stream, cancel).ConfigureAwait(false) is not var (edition, cluster, node))
                return null;
            if (edition != 1)
                throw new InvalidDataException($"it speaks edition {edition} of the protocol, this node edition 1");
            if (cluster != Membership.Settings.ClusterId)
                throw new InvalidDataException(
                    $"it belongs to the cluster '{Greeting.Readable(cluster)}', not to '{Membership.Settings.ClusterId}'");
            while (!Membership.IsMember(node) || Membership.Self is null)
            {
                Membership.Refresh();
                await Task.Delay(20, cancel).ConfigureAwait(false);
            }

            var row = Membership.View.Members.FirstOrDefault(m => m.Node.Id == node)?.Node;
            if (row is not null && Identity?.Refuse(certificate, row.Host) is { } refusal)
            {
                await TurnAwayAsync(client, stream, address, refusal with
                {
                    Sentence = $"it says that it is the member at {row.Host}:{row.Port}, but {refusal.Sentence}",
                }, cancel).ConfigureAwait(false);
                return null;
            }

            var self = Membership.Self ?? default;
            await stream.WriteAsync(transport.Frames.Hello(cluster, self), cancel).ConfigureAwait(false);
            await stream.FlushAsync(cancel).ConfigureAwait(false);
            return new NodeLine(client, stream, node, self, certificate);
        }
        catch (InvalidDataException e)
        {
            SayRefused(address, "greeting", e.Message);
            return null;
        }
        catch (RefusedByPeerException e)
        {
            SayRefused(address, "refused", $"that side does not accept this node: {e.Message}");
            return null;
        }
    }

    private async Task TurnAwayAsync(
        TcpClient client, Stream stream, EndPoint? address, RemoteRefusal refusal, CancellationToken cancel)
    {
        SayRefused(address, refusal.Kind, refusal.Sentence);
        await FarewellAsync(client, stream, refusal, cancel).ConfigureAwait(false);
    }

    /// <summary>Tells the peer why, and reads away what it still sends: else the kernel would take our words back.</summary>
    private static async Task FarewellAsync(
        TcpClient client, Stream stream, RemoteRefusal refusal, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(FarewellLimit);
        try
        {
            await stream.WriteAsync(Greeting.Refusal(refusal.Sentence), patience.Token).ConfigureAwait(false);
            await stream.FlushAsync(patience.Token).ConfigureAwait(false);
            client.Client.Shutdown(SocketShutdown.Send);
            var away = new byte[Greeting.Limit];
            for (var chunks = 0; chunks < 16; chunks++)
                if (await client.GetStream().ReadAsync(away, patience.Token).ConfigureAwait(false) == 0) break;
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException
                                      or ObjectDisposedException or InvalidOperationException)
        {
            // It is gone already, and knows as much as it wanted to.
        }

        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private static bool Keep(X509Certificate? shown, out X509Certificate2? certificate)
    {
        certificate = shown is null ? null : X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
        return true;
    }
}
