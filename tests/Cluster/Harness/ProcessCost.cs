using System.Globalization;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>What processes have cost so far, by /proc: user and system time, and memory.</summary>
public static class ProcessCost
{
    private const double TicksPerSecond = 100;

    /// <summary>CPU time of one process without its children.</summary>
    public static TimeSpan Cpu(int pid) => Signals.Stat(pid) is { } stat ? Seconds(stat, 11, 12) : TimeSpan.Zero;

    /// <summary>CPU time of a process, of its living children and of those that it has buried.</summary>
    public static TimeSpan CpuWithChildren(int pid)
    {
        if (Signals.Stat(pid) is not { } stat) return TimeSpan.Zero;
        var total = Seconds(stat, 11, 12) + Seconds(stat, 13, 14);
        return Signals.ChildrenOf(pid).Aggregate(total, (sum, child) => sum + Cpu(child));
    }

    /// <summary>Resident and proportional memory in bytes.</summary>
    public static (long Rss, long Pss) Memory(int pid)
    {
        var lines = File.ReadAllLines($"/proc/{pid}/smaps_rollup");
        return (Kilobytes(lines, "Rss:") << 10, Kilobytes(lines, "Pss:") << 10);
    }

    private static TimeSpan Seconds(string[] stat, int user, int system) => TimeSpan.FromSeconds(
        (long.Parse(stat[user], CultureInfo.InvariantCulture) + long.Parse(stat[system], CultureInfo.InvariantCulture))
        / TicksPerSecond);

    private static long Kilobytes(string[] lines, string key) => long.Parse(
        lines.First(l => l.StartsWith(key, StringComparison.Ordinal))[key.Length..].Replace("kB", "", StringComparison.Ordinal)
            .Trim(), CultureInfo.InvariantCulture);
}
