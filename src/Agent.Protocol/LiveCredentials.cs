using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>The credentials of this process as they are now. Whoever shakes hands asks at that moment, so a renewed
/// certificate counts from the next connection on; <see cref="Renewed"/> is for connections that stand.</summary>
public sealed class LiveCredentials(AgentCredentials first)
{
    private volatile Moment _now = new(first);

    /// <summary>Raised after the change, in the thread that made it.</summary>
    public event Action? Renewed;

    public AgentCredentials Current => _now.Credentials;

    /// <summary>Our certificate as a TLS handshake wants it, made once per certificate.</summary>
    public SslStreamCertificateContext Context => _now.Context;

    /// <summary>For a door at which anybody may knock: what comes in says who it is.</summary>
    public SslServerAuthenticationOptions ForAnybody() => new()
    {
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ServerCertificateContext = Context,
        AllowRenegotiation = false,
    };

    public void Become(AgentCredentials next)
    {
        _now = new Moment(next);
        Renewed?.Invoke();
    }

    /// <summary>Credentials that never change.</summary>
    public static LiveCredentials ToLiveCredentials(AgentCredentials credentials) => new(credentials);

    public static implicit operator LiveCredentials(AgentCredentials credentials) => new(credentials);

    private sealed class Moment(AgentCredentials credentials)
    {
        public AgentCredentials Credentials { get; } = credentials;

        public SslStreamCertificateContext Context { get; } =
            SslStreamCertificateContext.Create(credentials.Own, additionalCertificates: null, offline: true);
    }

    /// <summary>A copy that outlives the callback of the handshake, or null.</summary>
    public static X509Certificate2? Copy(X509Certificate? shown) =>
        shown is null ? null : X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
}
