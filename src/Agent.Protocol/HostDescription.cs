using System.Collections.Immutable;

namespace Orchestrator.Agent.Protocol;

/// <summary>What a host is. <see cref="BootId"/> is new at each start of the machine, not of the agent.</summary>
public sealed record AgentDescription(string HostUuid, string BootId, string AgentVersion, int Protocol)
{
    /// <summary>"libvirt" or "simulated".</summary>
    public required string Driver { get; init; }

    /// <summary>"kvm", "tcg" or "simulated".</summary>
    public required string Accelerator { get; init; }
    public string HostName { get => field ?? ""; init; }
    public int Cpus { get; init; }
    public string CpuModel { get => field ?? ""; init; }
    public long MemoryBytes { get; init; }

    /// <summary>The address other hosts reach this host's hypervisor at, and the URI a migration to it is sent to.</summary>
    public string MigrationAddress { get => field ?? ""; init; }
    public string MigrationUri { get => field ?? ""; init; }

    /// <summary>Mbit/s of the interface that has <see cref="MigrationAddress"/>; 0: not known.</summary>
    public int LinkMbps { get; init; }

    /// <summary>At present; each heartbeat says them anew.</summary>
    public ImmutableArray<NetworkAddress> Addresses { get => field.IsDefault ? [] : field; init; }

    /// <summary>A crash kernel is loaded, which will write the memory should the kernel crash; null: not known.</summary>
    public bool? CrashKernel { get; init; }

    /// <summary>Where clients read and write images; 0: nowhere.</summary>
    public int ImagePort { get; init; }
    public string KernelVersion { get => field ?? ""; init; }
    public string LibvirtVersion { get => field ?? ""; init; }
    public string QemuVersion { get => field ?? ""; init; }
    public string OperatingSystem { get => field ?? ""; init; }

    /// <summary>Fence agent types installed here: the host can act as proxy for these.</summary>
    public ImmutableArray<string> FenceAgents { get => field.IsDefault ? [] : field; init; }

    /// <summary>The version of this contract; an engine refuses an agent of another one.</summary>
    public const int CurrentProtocol = 1;
}

/// <summary>An address of a network interface that is up; never one that is known on its own link alone.</summary>
/// <param name="Address">With the length of its prefix, "10.78.0.2/24" or "fd00:78::2/64".</param>
/// <param name="Mbps">Mbit/s of the interface; 0: not known.</param>
public sealed record NetworkAddress(string Interface, string Address, int Mbps);

/// <summary>A sample of the whole host. Bytes, and percent of all CPUs since the sample before.</summary>
public sealed record HostStatistics(
    double CpuPercent,
    double Load1,
    long MemoryTotalBytes,
    long MemoryAvailableBytes,
    int RunningGuests)
{
    public long SwapTotalBytes { get; init; }
    public long SwapFreeBytes { get; init; }
    public long UptimeSeconds { get; init; }
}
