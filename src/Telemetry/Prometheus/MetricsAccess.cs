using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>
/// Who may read metrics without being an administrator: who comes from a named network, or shows the token. Metrics say
/// nothing of single guests, but they do say how busy and how broken an installation is.
/// </summary>
/// <param name="From">Networks whose clients need no token.</param>
/// <param name="Token">Null: no token opens the door.</param>
public sealed record MetricsAccess(IReadOnlyList<IPNetwork> From, string? Token)
{
    /// <exception cref="FormatException">A network is not written as ADDRESS/BITS; the message names it.</exception>
    public static MetricsAccess Of(IEnumerable<string> networks, string? token) => new(
    [
        .. networks.Select(n => IPNetwork.TryParse(n, out var network)
            ? network
            : throw new FormatException($"'{n}' is no network such as 10.0.0.0/8")),
    ], string.IsNullOrWhiteSpace(token) ? null : token.Trim());

    /// <param name="authorization">The header Authorization, or empty.</param>
    public bool Lets(IPAddress? client, string authorization)
    {
        if (client is { IsIPv4MappedToIPv6: true }) client = client.MapToIPv4();
        if (client is not null && From.Any(n => n.Contains(client))) return true;
        const string scheme = "Bearer ";
        return Token is { } token && authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(
                SHA256.HashData(Encoding.UTF8.GetBytes(authorization[scheme.Length..].Trim())),
                SHA256.HashData(Encoding.UTF8.GetBytes(token)));
    }
}
