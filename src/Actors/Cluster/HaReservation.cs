using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// Whether a cluster can lose any one of its hosts, as oVirt's HA reservation asks: the highly available VMs of each host
/// must fit on the others by memory, beside what runs there and what is promised. Largest first, each on the host with most
/// room. Pure.
/// </summary>
public static class HaReservation
{
    /// <param name="highlyAvailable">VMs that would be restarted.</param>
    /// <returns>Names of the hosts that cannot be lost, sorted.</returns>
    public static ImmutableArray<string> Irreplaceable(
        Room room, int overcommitPercent, ImmutableHashSet<VmId> highlyAvailable)
    {
        var promised = Placement.Promised(room, default);
        var free = room.Hosts.Values.Where(h => h.TakesGuests)
            .ToDictionary(h => h.Host, h => Placement.Free(overcommitPercent, h, default, promised));
        return
        [
            .. room.Hosts.Values.Where(h => h.Reachable && !Fits(Lost(h, highlyAvailable), free, h.Host))
                .Select(h => h.Name).Order(StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<long> Lost(HostReport host, ImmutableHashSet<VmId> highlyAvailable) =>
        host.Guests.Where(g => highlyAvailable.Contains(g.Vm)).Select(g => g.Memory).OrderDescending();

    private static bool Fits(IEnumerable<long> guests, Dictionary<HostId, long> free, HostId without)
    {
        var most = new PriorityQueue<long, long>(
            free.Where(f => f.Key != without).Select(f => (f.Value, -f.Value)));
        foreach (var guest in guests)
        {
            if (!most.TryDequeue(out var room, out _) || room < guest) return false;
            most.Enqueue(room - guest, guest - room);
        }

        return true;
    }
}
