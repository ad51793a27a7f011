using System.Collections.Immutable;

namespace Orchestrator.Agent.Protocol;

/// <summary>What a guest's machine is besides the size of its CPU and memory, its disks and its NICs. An engine of before this
/// says nothing of it: the agent then gives what it gave always.</summary>
public sealed record GuestHardware
{
    public GuestCpu? Cpu { get; init; }

    /// <summary>0: the hypervisor's default.</summary>
    public int CpuShares { get; init; }

    public ImmutableArray<CpuPin> Pins { get => field.IsDefault ? [] : field; init; }

    public ImmutableArray<GuestNode> Nodes { get => field.IsDefault ? [] : field; init; }

    /// <summary>0: ordinary pages.</summary>
    public int HugePagesKib { get; init; }

    public int IoThreads { get; init; }

    /// <summary>Of each NIC of virtio; 0 and 1 count as one.</summary>
    public int NicQueues { get; init; }

    /// <summary>Of the virtio-scsi controller; 0 and 1 count as one.</summary>
    public int ScsiQueues { get; init; }

    public bool Tpm { get; init; }

    /// <summary>A folder that every host has, for what firmware and TPM keep; null: the host's own.</summary>
    public string? StateFolder { get; init; }

    public bool BootMenu { get; init; }

    public bool Sound { get; init; }

    public bool Usb { get; init; }

    /// <summary>A device of the host.</summary>
    public string RngDevice { get => field ?? "/dev/urandom"; init; }

    /// <summary>0: no limit.</summary>
    public int RngBytes { get; init; }

    public int RngPeriodMs { get; init; }

    public bool NoBalloon { get; init; }

    /// <summary>What the guest reads as its machine's serial number; null: that of the host. Empty: none.</summary>
    public string? Serial { get; init; }

    /// <summary>Its clock is this zone's; null: UTC.</summary>
    public string? TimeZone { get; init; }

    /// <summary>Told to hooks as their environment.</summary>
    public ImmutableDictionary<string, string> Properties { get => field ?? ImmutableDictionary<string, string>.Empty; init; }
}

/// <param name="Mode">custom, host-model or host-passthrough.</param>
/// <param name="Model">Of custom.</param>
public sealed record GuestCpu(string Mode, string Model);

/// <param name="Cpus">Of the host.</param>
public sealed record CpuPin(int Vcpu, string Cpus);

/// <param name="Cpus">Of the guest.</param>
/// <param name="HostNodes">Empty: any.</param>
/// <param name="Mode">strict, interleave or preferred.</param>
public sealed record GuestNode(int Index, long MemoryBytes, string Cpus, string HostNodes, string Mode);

/// <summary>A CD that the agent makes for this guest from its files. They may hold passwords: it is the guest's alone, and goes with
/// it.</summary>
public sealed record GuestSeed(string Label, ImmutableArray<SeedFile> Files)
{
    /// <summary>Without what is in the files.</summary>
    public override string ToString() => $"{Label}: {string.Join(", ", Files.Select(f => f.Path))}";
}

public sealed record SeedFile(string Path, string Text)
{
    public override string ToString() => Path;
}

/// <summary>Limits of a NIC, seen from the guest; 0: none. Kilobits in a second, kibibytes.</summary>
public sealed record NicLimits(int InboundKbit, int InboundPeakKbit, int InboundBurstKib, int OutboundKbit, int OutboundPeakKbit, int OutboundBurstKib);

/// <summary>Limits of a disk in a second; 0: none.</summary>
public sealed record DiskLimits(long Bytes, long ReadBytes, long WriteBytes, long Operations, long ReadOperations, long WriteOperations);
