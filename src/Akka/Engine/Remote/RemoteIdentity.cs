using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Engine;

/// <summary>By what nodes know each other: a certificate with its key, and the authority that signed those of all.
/// <see cref="IsNode"/> tells the certificate of an engine node from others that the same authority signed.</summary>
public sealed record RemoteIdentity(X509Certificate2 Certificate, X509Certificate2 Authority)
{
    public Predicate<X509Certificate2> IsNode { get; init; } = _ => true;

    internal bool Trusts(X509Certificate? shown)
    {
        if (shown is null) return false;
        using var peer = X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(peer) && IsNode(peer);
    }

    internal RemoteCertificateValidationCallback Validation => (_, shown, _, _) => Trusts(shown);
}
