using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// Chooses a host for a VM. Pure over a snapshot; counts why each host was out, so that a refusal can be explained.
/// A host fits when it takes guests, is not excluded, and its memory (times overcommit) less what guests and promises
/// already have covers the VM. Of those that fit, the preferred come first, then the one with most free memory.
/// </summary>
public static class Placement
{
    /// <param name="network">Of a migration: in which the host must have an address; null: none is asked for.</param>
    public static Choice Choose(
        Room room, int overcommitPercent, VmShape shape, VmId vm, ImmutableArray<HostId> excluded, HostId? wanted,
        MigrationNetwork? network = null)
    {
        var reasons = ImmutableArray.CreateBuilder<string>();
        var promised = Promised(room, vm);
        HostReport? best = null;
        var bestScore = long.MinValue;
        foreach (var host in room.Hosts.Values.OrderBy(h => h.Host.Value))
        {
            var free = Free(overcommitPercent, host, vm, promised);
            if (Obstacle(free, host, shape, excluded, wanted, network) is { } obstacle)
            {
                reasons.Add($"{host.Name}: {obstacle}");
                continue;
            }

            var score = free + (shape.Preferred.Contains(host.Host) ? long.MaxValue / 2 : 0);
            if (score <= bestScore) continue;
            (best, bestScore) = (host, score);
        }

        if (room.Hosts.IsEmpty) reasons.Add("no host of the cluster has reported");
        return best is null ? new Choice.None(reasons.ToImmutable()) : new Choice.Found(best);
    }

    /// <summary>Bytes that the host with most room can still promise, of those not in <paramref name="but"/>.</summary>
    public static long Most(Room room, int overcommitPercent, ImmutableArray<HostId> but)
    {
        var promised = Promised(room, default);
        return room.Hosts.Values.Where(h => h.TakesGuests && !but.Contains(h.Host))
            .Select(h => Free(overcommitPercent, h, default, promised)).DefaultIfEmpty(long.MinValue).Max();
    }

    /// <summary>Bytes that each host has promised to others, in one pass: a burst of starts holds many promises.</summary>
    internal static Dictionary<HostId, long> Promised(Room room, VmId but)
    {
        var sums = new Dictionary<HostId, long>();
        foreach (var (vm, promise) in room.Promised)
            if (vm != but)
                sums[promise.Host] = sums.GetValueOrDefault(promise.Host) + promise.Memory;
        return sums;
    }

    /// <summary>Bytes that the host can still promise.</summary>
    internal static long Free(
        int overcommitPercent, HostReport host, VmId but, IReadOnlyDictionary<HostId, long> promised)
    {
        var free = (host.Memory / 100 * overcommitPercent) - promised.GetValueOrDefault(host.Host);
        foreach (var guest in host.Guests)
            if (guest.Vm != but)
                free -= guest.Memory;
        return free;
    }

    private static string? Obstacle(
        long free, HostReport host, VmShape shape, ImmutableArray<HostId> excluded, HostId? wanted, MigrationNetwork? network)
    {
        if (!host.TakesGuests) return "is not up";
        if (excluded.Contains(host.Host)) return "was tried already or is the source";
        if (wanted is { } only && only != host.Host) return "is not the host that was asked for";
        if (shape.Pinned && !shape.Preferred.Contains(host.Host)) return "is not a host that the VM is pinned to";
        if (host.Cpus > 0 && shape.VCpus > host.Cpus * 16) return $"has {host.Cpus} CPUs for {shape.VCpus} virtual ones";
        if (network is not null && network.Way(host) is null) return network.Lacks;
        return free < shape.Memory
            ? $"has {free >> 20} MiB free of {shape.Memory >> 20} MiB asked"
            : null;
    }
}

public abstract record Choice
{
    private Choice()
    {
    }

    public sealed record Found(HostReport Host) : Choice;

    public sealed record None(ImmutableArray<string> Reasons) : Choice;
}
