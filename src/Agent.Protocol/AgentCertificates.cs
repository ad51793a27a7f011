using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>Who we are and whose certificates we accept: our own (with private key) and the engine's CA.</summary>
public sealed record AgentCredentials(X509Certificate2 Own, X509Certificate2 Authority);

/// <summary>
/// The one rule about a peer: its certificate is valid now, signed by our CA, and its subject's OU names the role we
/// expect. Host names are not looked at unless asked for: agents move between addresses, the CA does not.
/// </summary>
public static class PeerCertificate
{
    public const string EngineRole = "engine";
    public const string AgentRole = "agent";

    /// <returns>Null when the peer is who it must be, else a sentence for the log.</returns>
    public static string? Refuse(
        X509Certificate? peer, X509Certificate2 authority, string role, string? expectedName = null)
    {
        if (peer is null) return "no certificate was shown";
        if (peer is X509Certificate2 known) return Refuse(known, authority, role, expectedName);

        using var copy = new X509Certificate2(peer);
        return Refuse(copy, authority, role, expectedName);
    }

    private static string? Refuse(X509Certificate2 peer, X509Certificate2 authority, string role, string? expectedName)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        if (!chain.Build(peer))
        {
            var why = string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation.Trim().TrimEnd('.')));
            return $"{Name(peer)} is not vouched for by our CA: {why}";
        }

        if (!HasRole(peer, role)) return $"{Name(peer)} does not have the role {role} (OU={role} in its subject)";
        if (expectedName is not null && !IsNamed(peer, expectedName)) return $"{Name(peer)} is not {expectedName}";
        return null;
    }

    /// <summary>Subject and thumbprint: enough to find the certificate again.</summary>
    public static string Name(X509Certificate2 certificate) =>
        $"certificate '{certificate.Subject}' issued by '{certificate.Issuer}' (SHA-1 {certificate.Thumbprint})";

    private static bool HasRole(X509Certificate2 certificate, string role) =>
        Attributes(certificate, "2.5.4.11").Contains(role, StringComparer.Ordinal);

    private static bool IsNamed(X509Certificate2 certificate, string name) =>
        Attributes(certificate, "2.5.4.3").Contains(name, StringComparer.OrdinalIgnoreCase)
        || certificate.MatchesHostname(name, allowWildcards: false, allowCommonName: false);

    private static IEnumerable<string> Attributes(X509Certificate2 certificate, string oid) =>
        certificate.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(rdn => !rdn.HasMultipleElements && rdn.GetSingleElementType().Value == oid)
            .Select(rdn => rdn.GetSingleElementValue() ?? "");
}
