using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Network;

/// <summary>The addresses of the host's network interfaces. A host may have hundreds of interfaces, one for each guest, and a
/// heartbeat asks twice a second: they are read anew after a few seconds.</summary>
public sealed class OwnAddresses(TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private ImmutableArray<NetworkAddress> _known = [];
    private long? _readAt;

    public ImmutableArray<NetworkAddress> Now
    {
        get
        {
            lock (_gate)
            {
                if (_readAt is { } at && time.GetElapsedTime(at) < Fresh) return _known;
                (_known, _readAt) = (Read(), time.GetTimestamp());
                return _known;
            }
        }
    }

    /// <exception cref="HypervisorException">The order names a network in which the host has no address.</exception>
    public static void Check(MigrateOrder order, ImmutableArray<NetworkAddress> own)
    {
        if (order.MemoryNetwork is { } network && !Has(own, network))
            throw new HypervisorException($"this host has no address in the migration network {network} any more");
    }

    public static ImmutableArray<NetworkAddress> Read()
    {
        try
        {
            return
            [
                .. NetworkInterface.GetAllNetworkInterfaces()
                    .Where(i => i.NetworkInterfaceType != NetworkInterfaceType.Loopback
                        // Kernels do not know of every virtual interface whether it is up.
                        && i.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
                    .SelectMany(i => i.GetIPProperties().UnicastAddresses
                        .Where(a => !IPAddress.IsLoopback(a.Address) && !a.Address.IsIPv6LinkLocal)
                        .Select(a => new NetworkAddress(i.Name, $"{a.Address}/{a.PrefixLength}", Mbps(i)))),
            ];
        }
        catch (NetworkInformationException)
        {
            // An interface has gone while it was looked at.
            return [];
        }
    }

    /// <summary>Virtual interfaces have no speed; of some the kernel says 2^32 - 1.</summary>
    public static int Mbps(NetworkInterface way) => way.Speed / 1_000_000 is > 0 and < 100_000_000 and var mbps ? (int)mbps : 0;

    private static bool Has(ImmutableArray<NetworkAddress> own, string network) =>
        IPNetwork.TryParse(network, out var wanted)
        && own.Any(a => IPAddress.TryParse(a.Address.Split('/')[0], out var address) && wanted.Contains(address));
}
