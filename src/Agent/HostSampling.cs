using System.Globalization;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>Load and memory of the machine, from /proc. CPU use is since the sample before; thread-safe.</summary>
public sealed class HostSampling(string proc = "/proc")
{
    private readonly Lock _gate = new();
    private (long Busy, long All) _before;
    private double _percent;

    public static long MemoryTotalBytes(string proc = "/proc") => Memory(proc).GetValueOrDefault("MemTotal");

    public HostStatistics Now(int runningGuests)
    {
        var memory = Memory(proc);
        return new HostStatistics(
            CpuPercent(), Number(First($"{proc}/loadavg")), memory.GetValueOrDefault("MemTotal"),
            memory.GetValueOrDefault("MemAvailable"), runningGuests)
        {
            SwapTotalBytes = memory.GetValueOrDefault("SwapTotal"),
            SwapFreeBytes = memory.GetValueOrDefault("SwapFree"),
            UptimeSeconds = (long)Number(First($"{proc}/uptime")),
        };
    }

    private double CpuPercent()
    {
        // user nice system idle iowait irq softirq steal …
        var ticks = File.ReadLines($"{proc}/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Skip(1).Take(8).Select(t => long.Parse(t, CultureInfo.InvariantCulture)).ToArray();
        var all = ticks.Sum();
        var now = (Busy: all - ticks[3] - ticks[4], All: all);
        lock (_gate)
        {
            if (now.All > _before.All) _percent = 100.0 * (now.Busy - _before.Busy) / (now.All - _before.All);
            _before = now;
            return Math.Round(Math.Clamp(_percent, 0, 100), 1);
        }
    }

    private static Dictionary<string, long> Memory(string proc)
    {
        var bytes = new Dictionary<string, long>();
        foreach (var line in File.ReadLines($"{proc}/meminfo"))
            if (line.Split(':', 2) is [var name, var rest]
                && long.TryParse(rest.Trim().Split(' ')[0], CultureInfo.InvariantCulture, out var kib))
                bytes[name] = kib << 10;
        return bytes;
    }

    private static string First(string path) => File.ReadAllText(path).Split(' ')[0];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
