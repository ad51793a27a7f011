using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// What a new host is let in with, once: hj1.ID.SECRET.FINGERPRINT, with a second fingerprint while the installation moves to
/// another authority. The fingerprints (SHA-256) are those of the engine's authorities: whoever answers the host must have a
/// certificate by one of them, so nothing is believed that a stranger in between says.
/// </summary>
public sealed record JoinToken(string Id, string Secret, ImmutableArray<string> Authorities)
{
    private const string Form = "hj1";
    private const int IdBytes = 9, SecretBytes = 24, FingerprintDigits = 64;

    public static JoinToken New(IEnumerable<X509Certificate2> authorities) => new(
        Random(IdBytes), Random(SecretBytes), [.. authorities.Select(FingerprintOf)]);

    /// <exception cref="FormatException">It is no token; the message says what to do.</exception>
    public static JoinToken Parse(string text)
    {
        var parts = text.Trim().Split('.');
        return parts is [Form, { Length: > 0 } id, { Length: > 0 } secret, _, ..]
            && parts[3..].All(p => p.Length == FingerprintDigits && p.All(char.IsAsciiHexDigitLower))
            ? new JoinToken(id, secret, [.. parts[3..]])
            : throw new FormatException("this is no token of a host, or only a part of one: it begins with hj1. and is one word (orchestrator host token)");
    }

    public static string FingerprintOf(X509Certificate2 certificate) =>
        certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();

    /// <summary>What the engine keeps of the secret.</summary>
    public static byte[] HashOf(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    public string Text => $"{Form}.{Id}.{Secret}.{string.Join('.', Authorities)}";

    /// <summary>Without the secret.</summary>
    public override string ToString() => $"token {Id}";

    private static string Random(int bytes) =>
        Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes)).Replace('+', '-').Replace('/', '_').TrimEnd('=');
}

/// <summary>A new host asks the engine for its certificate and its place in the cluster. Said again with the same key it is
/// answered again.</summary>
/// <param name="Address">Where engines reach its agent.</param>
/// <param name="SigningRequest">PEM, PKCS #10, signed by the host's own key.</param>
public sealed record JoinRequest(string Token, string Secret, string Name, string Address, int Port, string SigningRequest)
{
    /// <summary>Without the secret.</summary>
    public override string ToString() => $"host {Name} at {Address}:{Port} with token {Token}";
}

/// <param name="Name">That the engine knows the host by.</param>
public sealed record JoinAnswer(Guid Host, string Name, string Certificate, string Authorities);

public sealed record JoinRefusal(string Error);
