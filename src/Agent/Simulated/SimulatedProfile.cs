using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

/// <summary>How a simulated host behaves when nothing is wrong with it. Times are medians with a log-normal spread.</summary>
public sealed record SimulatedProfile
{
    public int Cpus { get; init; } = 64;
    public long MemoryBytes { get; init; } = 512L << 30;
    public string CpuModel { get; init; } = "EPYC-Rome";

    /// <summary>From the order to a running QEMU process.</summary>
    public TimeSpan LaunchTime { get; init; } = TimeSpan.FromMilliseconds(120);

    /// <summary>From the process to a guest agent that answers.</summary>
    public TimeSpan BootTime { get; init; } = TimeSpan.FromMilliseconds(800);
    public TimeSpan ShutdownTime { get; init; } = TimeSpan.FromMilliseconds(600);
    public TimeSpan PowerOffTime { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>To write a guest's memory to storage, or to read it.</summary>
    public TimeSpan SaveTime { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>To plug a device in, or to have one let go.</summary>
    public TimeSpan PlugTime { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>How long a guest is waited for that lets no device go.</summary>
    public TimeSpan UnplugPatience { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan MigrationTime { get; init; } = TimeSpan.FromSeconds(2);
    public int MigrationDowntimeMs { get; init; } = 80;
    public TimeSpan HostBootTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Standard deviation of the logarithm of every time; 0 makes all times exact.</summary>
    public double Spread { get; init; } = 0.3;

    /// <summary>Share of launches that fail (QEMU says no), 0 to 1.</summary>
    public double LaunchFailures { get; init; }

    /// <summary>What such a host says of itself.</summary>
    public AgentDescription Describe(AgentDescription about, int number) => about with
    {
        Driver = "simulated",
        Accelerator = "simulated",
        Cpus = Cpus,
        CpuModel = CpuModel,
        MemoryBytes = MemoryBytes,
        MigrationAddress = $"sim-{number}",
        MigrationUri = $"sim://{number}/system",
        KernelVersion = "simulated",
        OperatingSystem = "simulated",
        LibvirtVersion = "simulated",
        QemuVersion = "simulated",
        FenceAgents = ["simulated"],
    };

    /// <summary>Each virtual CPU of a guest keeps a tenth of one of the host busy.</summary>
    internal HostStatistics Busy(int cpus, long memory, int guests, TimeSpan up)
    {
        var percent = Math.Min(100.0, 10.0 * cpus / Cpus);
        return new HostStatistics(percent, percent * Cpus / 100, MemoryBytes, Math.Max(0, MemoryBytes - memory), guests)
        {
            UptimeSeconds = (long)up.TotalSeconds,
        };
    }
}
