using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// The connections of one engine node to its agents: TLS 1.3, our certificate shown, theirs checked against our CA and
/// the role agent. One transport serves any number of <see cref="AgentClient"/>s; agents behind one address (a simulated
/// fleet) then share its connections.
/// </summary>
public sealed class AgentTransport : IDisposable
{
    private readonly SocketsHttpHandler _sockets;

    /// <param name="credentials">A certificate with OU=engine and the CA that signs the agents'.</param>
    /// <param name="connectTimeout">Default 3 s: a host that does not even shake hands is silent.</param>
    /// <param name="expectedName">If given, the agent's certificate must bear this common or DNS name too.</param>
    public AgentTransport(AgentCredentials credentials, TimeSpan? connectTimeout = null, string? expectedName = null)
    {
        _sockets = new SocketsHttpHandler
        {
            ConnectTimeout = connectTimeout ?? TimeSpan.FromSeconds(3),
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            UseCookies = false,
            // The client writes the trace itself, and only when somebody listens.
            ActivityHeadersPropagator = null,
            UseProxy = false,
            AllowAutoRedirect = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificates = [credentials.Own],
                LocalCertificateSelectionCallback = (_, _, _, _, _) => credentials.Own,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = (_, peer, _, _) =>
                {
                    LastPeerRefusal = PeerCertificate.Refuse(
                        peer, credentials.Authority, PeerCertificate.AgentRole, expectedName);
                    return LastPeerRefusal is null;
                },
            },
        };
        Invoker = new HttpMessageInvoker(_sockets, disposeHandler: false);
    }

    internal HttpMessageInvoker Invoker { get; }

    /// <summary>Why the last handshake was broken off by us, null if it was not.</summary>
    public string? LastPeerRefusal { get; private set; }

    public void Dispose()
    {
        Invoker.Dispose();
        _sockets.Dispose();
    }
}
