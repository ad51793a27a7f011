using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Host.Node;

/// <summary>
/// The id of a cluster for which none was set: the fingerprint of its first certificate authority. Later authorities of the
/// same cluster carry it in their subject, as a unit of 32 hexadecimal digits.
/// </summary>
internal static class ClusterIdentity
{
    private const int Length = 32;

    /// <exception cref="UsageException">The authorities speak of different clusters.</exception>
    public static string Of(IEnumerable<X509Certificate2> authorities)
    {
        var ids = authorities.Select(Of).Distinct(StringComparer.Ordinal).ToList();
        return ids is [var one]
            ? one
            : throw new UsageException("orchestrator.tls.ca holds authorities of different clusters "
                + $"({string.Join(", ", ids)}); set orchestrator.cluster.id to the one that the database has");
    }

    private static string Of(X509Certificate2 authority) =>
        authority.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(rdn => !rdn.HasMultipleElements && rdn.GetSingleElementType().Value == "2.5.4.11")
            .Select(rdn => rdn.GetSingleElementValue() ?? "")
            .FirstOrDefault(unit => unit.Length == Length && unit.All(char.IsAsciiHexDigit))
        ?? authority.GetCertHashString(HashAlgorithmName.SHA256)[..Length];
}
