using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// Chooses a host for a VM. Pure over a snapshot; counts why each host was out, so that a refusal can be explained.
/// A host fits when it takes guests, is not excluded, and its memory (times overcommit) less what guests and promises
/// already have covers the VM. Of those that fit, the preferred come first, then the one with most free memory.
/// </summary>
public static class Placement
{
    /// <summary>A promise that no report confirms is dropped after this time.</summary>
    public static readonly TimeSpan PromiseHolds = TimeSpan.FromSeconds(30);

    public static Choice Choose(
        Room room, int overcommitPercent, VmShape shape, VmId vm, ImmutableArray<HostId> excluded, HostId? wanted,
        DateTimeOffset now)
    {
        var reasons = ImmutableArray.CreateBuilder<string>();
        HostReport? best = null;
        var bestScore = long.MinValue;
        foreach (var host in room.Hosts.Values.OrderBy(h => h.Host.Value))
        {
            if (Obstacle(room, overcommitPercent, host, shape, vm, excluded, wanted, now) is { } obstacle)
            {
                reasons.Add($"{host.Name}: {obstacle}");
                continue;
            }

            var score = Free(room, overcommitPercent, host, vm, now)
                + (shape.Preferred.Contains(host.Host) ? long.MaxValue / 2 : 0);
            if (score <= bestScore) continue;
            (best, bestScore) = (host, score);
        }

        if (room.Hosts.IsEmpty) reasons.Add("no host of the cluster has reported");
        return best is null ? new Choice.None(reasons.ToImmutable()) : new Choice.Found(best);
    }

    /// <summary>Bytes that the host can still promise.</summary>
    public static long Free(Room room, int overcommitPercent, HostReport host, VmId but, DateTimeOffset now)
    {
        var free = host.Memory / 100 * overcommitPercent;
        foreach (var guest in host.Guests)
            if (guest.Vm != but)
                free -= guest.Memory;
        foreach (var promise in room.Promised.Values)
            if (promise.Host == host.Host && promise.Vm != but && now - promise.At < PromiseHolds)
                free -= promise.Memory;
        return free;
    }

    private static string? Obstacle(
        Room room, int overcommitPercent, HostReport host, VmShape shape, VmId vm, ImmutableArray<HostId> excluded,
        HostId? wanted, DateTimeOffset now)
    {
        if (!host.TakesGuests) return "is not up";
        if (excluded.Contains(host.Host)) return "was tried already or is the source";
        if (wanted is { } only && only != host.Host) return "is not the host that was asked for";
        if (shape.Pinned && !shape.Preferred.Contains(host.Host)) return "is not a host that the VM is pinned to";
        if (host.Cpus > 0 && shape.VCpus > host.Cpus * 16) return $"has {host.Cpus} CPUs for {shape.VCpus} virtual ones";
        var free = Free(room, overcommitPercent, host, vm, now);
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
