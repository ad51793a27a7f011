using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Engine;

/// <summary>A certificate and the one authority that is trusted, until a test says otherwise.</summary>
internal sealed class FixedIdentity(X509Certificate2 own, X509Certificate2 authority) : RemoteIdentity
{
    private SslStreamCertificateContext context = SslStreamCertificateContext.Create(own, null, offline: true);
    private X509Certificate2[] authorities = [authority];

    public override SslStreamCertificateContext Own => context;

    public override RemoteRefusal? Refuse(X509Certificate2? peer, string? host) =>
        peer is null ? new RemoteRefusal("none", "no certificate was shown")
        : Judge(peer, X509VerificationFlags.NoFlag) ? null
        : new RemoteRefusal("foreign", $"certificate '{peer.Subject}' is foreign");

    public override bool IsDisowned(X509Certificate2 peer) => !Judge(peer, X509VerificationFlags.IgnoreNotTimeValid);

    public void Become(X509Certificate2 renewed, params X509Certificate2[] trusted)
    {
        context = SslStreamCertificateContext.Create(renewed, null, offline: true);
        authorities = trusted;
        RaiseRenewed();
    }

    private bool Judge(X509Certificate2 peer, X509VerificationFlags flags)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        foreach (var one in authorities) chain.ChainPolicy.CustomTrustStore.Add(one);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = flags;
        return chain.Build(peer);
    }
}
