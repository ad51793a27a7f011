using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// The network that a cluster keeps for the memory of guests on their way. Both hosts must have an address in it: memory that
/// is meant for it never goes by another one. Pure.
/// </summary>
public sealed class MigrationNetwork
{
    private readonly IPNetwork _network;

    private MigrationNetwork(IPNetwork network) => _network = network;

    /// <summary>Why a host is none to send to, or to send from.</summary>
    public string Lacks => $"has no address in the migration network {this}";

    /// <summary>A network as text, 10.78.0.0/24 or fd00:78::/64, in the one form in which it is kept; null: it is none.</summary>
    public static string? Read(string text) =>
        Parse(text) is { } network
        // The parser takes 10.78/16 and 012.0.0.0/8 for networks, too.
        && (network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 || network.ToString() == text)
            ? network.ToString()
            : null;

    /// <summary>Null where the cluster names none.</summary>
    public static MigrationNetwork? Of(ClusterConfig config) =>
        Parse(config.MigrationNetwork) is { } network ? new MigrationNetwork(network) : null;

    public override string ToString() => _network.ToString();

    /// <summary>By which the host takes and sends memory: the fastest one, and none that may go from host to host (a /32)
    /// while there is another. Null: it has none in this network.</summary>
    public HostAddress? Way(HostReport host)
    {
        HostAddress? best = null;
        var rank = (Alone: true, Slowness: int.MaxValue);
        foreach (var way in host.Addresses)
        {
            if (Split(way.Address) is not var (address, prefix) || !_network.Contains(address)) continue;
            var other = (Alone: prefix == (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128), Slowness: -way.Mbps);
            if (other.CompareTo(rank) >= 0) continue;
            (best, rank) = (way with { Address = address.ToString() }, other);
        }

        return best;
    }

    /// <summary>Null: one of the two has none.</summary>
    public (HostAddress From, HostAddress To)? Ways(HostReport? from, HostReport to) =>
        from is not null && Way(from) is { } leaves && Way(to) is { } comes ? (leaves, comes) : null;

    private static IPNetwork? Parse(string text) =>
        IPNetwork.TryParse(text, out var network) && network is { PrefixLength: > 0, BaseAddress.IsIPv4MappedToIPv6: false }
            ? network
            : null;

    private static (IPAddress Address, int Prefix)? Split(string text) =>
        text.Split('/') is [var address, var prefix] && IPAddress.TryParse(address, out var ip) && int.TryParse(prefix, out var bits)
            ? (ip, bits)
            : null;
}
