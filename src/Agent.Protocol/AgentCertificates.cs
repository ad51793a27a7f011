using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>Who we are and whose certificates we accept: our own (with private key) and the engine's authorities. There
/// are two of these while an installation moves from one CA to the next, else one.</summary>
public sealed record AgentCredentials(X509Certificate2 Own, ImmutableArray<X509Certificate2> Authorities)
{
    public AgentCredentials(X509Certificate2 own, X509Certificate2 authority)
        : this(own, [authority])
    {
    }
}

/// <summary>What is wrong with a peer's certificate.</summary>
public enum PeerFault { NoCertificate, Foreign, OutOfTime, WrongRole, WrongName }

/// <summary>Why a peer is not let in, as a sentence for the log that names its certificate and says what to do.</summary>
public sealed record PeerRefusal(PeerFault Fault, string Sentence)
{
    public override string ToString() => Sentence;
}

/// <summary>
/// The one rule about a peer: its certificate is valid now, signed by one of our CAs, and its subject's OU names the role
/// we expect. Host names are not looked at unless asked for: agents move between addresses, the CA does not.
/// </summary>
public static class PeerCertificate
{
    public const string EngineRole = "engine";
    public const string AgentRole = "agent";

    /// <returns>Null when the peer is who it must be.</returns>
    public static PeerRefusal? Refuse(
        X509Certificate2? peer, ImmutableArray<X509Certificate2> authorities, string role, string? expectedName = null)
    {
        if (peer is null)
        {
            return new PeerRefusal(PeerFault.NoCertificate,
                "no certificate was shown; set orchestrator.tls on that side, or find out who knocks there");
        }

        using var chain = ChainTo(authorities);
        if (!chain.Build(peer)) return Judge(peer, chain, authorities);
        if (!HasRole(peer, role))
        {
            return new PeerRefusal(PeerFault.WrongRole,
                $"{Name(peer)} does not have the role {role} (OU={role} in its subject); issue one with --role {role}");
        }

        return expectedName is null || IsNamed(peer, expectedName)
            ? null
            : new PeerRefusal(PeerFault.WrongName,
                $"{Name(peer)} is not {expectedName}; issue one with --address {expectedName}");
    }

    /// <summary>Whether trust was withdrawn from a peer that was let in before: its CA is no longer ours. The end of its
    /// certificate's time does not count; a connection that stands is not cut by the calendar.</summary>
    public static bool IsDisowned(X509Certificate2 peer, ImmutableArray<X509Certificate2> authorities)
    {
        using var chain = ChainTo(authorities);
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        return !chain.Build(peer);
    }

    /// <summary>Subject, issuer, serial number and dates: enough to find the certificate again.</summary>
    public static string Name(X509Certificate2 certificate) => string.Create(CultureInfo.InvariantCulture,
        $"certificate '{certificate.Subject}' issued by '{certificate.Issuer}' (serial {certificate.SerialNumber}, "
        + $"valid {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm:ss} to "
        + $"{certificate.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm:ss} UTC)");

    public static bool HasRole(X509Certificate2 certificate, string role) =>
        Attributes(certificate, "2.5.4.11").Contains(role, StringComparer.Ordinal);

    private static PeerRefusal Judge(
        X509Certificate2 peer, X509Chain chain, ImmutableArray<X509Certificate2> authorities)
    {
        if (chain.ChainStatus.All(s => s.Status == X509ChainStatusFlags.NotTimeValid))
        {
            var now = DateTime.Now;
            return new PeerRefusal(PeerFault.OutOfTime,
                now > peer.NotAfter ? $"{Name(peer)} has expired; renew it (orchestrator pki renew)"
                : now < peer.NotBefore ? $"{Name(peer)} is not valid yet; compare the clocks of both machines"
                : $"{Name(peer)} is valid, but its CA has expired; move to a new one (orchestrator pki rotate)");
        }

        var why = string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation.Trim().TrimEnd('.')).Distinct());
        var ours = string.Join(" or ", authorities.Select(a => $"'{a.Subject}'"));
        return new PeerRefusal(PeerFault.Foreign,
            $"{Name(peer)} is not vouched for by our CA, {ours}: {why}; issue one there (orchestrator pki issue), or add "
            + "its CA to orchestrator.tls.ca here");
    }

    private static X509Chain ChainTo(ImmutableArray<X509Certificate2> authorities)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        foreach (var authority in authorities) chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain;
    }

    private static bool IsNamed(X509Certificate2 certificate, string name) =>
        Attributes(certificate, "2.5.4.3").Contains(name, StringComparer.OrdinalIgnoreCase)
        || certificate.MatchesHostname(name, allowWildcards: false, allowCommonName: false);

    private static IEnumerable<string> Attributes(X509Certificate2 certificate, string oid) =>
        certificate.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(rdn => !rdn.HasMultipleElements && rdn.GetSingleElementType().Value == oid)
            .Select(rdn => rdn.GetSingleElementValue() ?? "");
}
