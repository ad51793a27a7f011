using System.Collections.Immutable;

namespace Orchestrator.Actors.Vm;

/// <summary>What a machine is besides the size of its CPU and memory, its disks and its NICs. The defaults are what a VM has of
/// which nothing of this was ever said.</summary>
public sealed record VmHardware
{
    public static VmHardware Usual { get; } = new();

    /// <summary>A TPM 2.0, made by swtpm on the host.</summary>
    public bool Tpm { get; init; }

    /// <summary>A folder on storage that every host has, for what the firmware and the TPM keep; empty: each host has its own.</summary>
    public string StateFolder { get; init; } = "";

    /// <summary>The firmware waits a moment for somebody who wants to choose what is booted.</summary>
    public bool BootMenu { get; init; }

    /// <summary>custom, host_model or host_passthrough; empty: the cluster's CPU type, or what the hypervisor takes.</summary>
    public string CpuMode { get; init; } = "";

    /// <summary>libvirt's name of a CPU model; empty: none chosen.</summary>
    public string CpuModel { get; init; } = "";

    /// <summary>Weight against other guests of the host that want its CPUs; 0: the hypervisor's default.</summary>
    public int CpuShares { get; init; }

    public ImmutableArray<VcpuPin> Pins { get; init; } = [];

    public ImmutableArray<NumaNode> NumaNodes { get; init; } = [];

    /// <summary>Memory is of pages of so many KiB that the host has set aside; 0: of ordinary pages.</summary>
    public int HugePagesKib { get; init; }

    /// <summary>Threads for disks besides QEMU's own; 0: none.</summary>
    public int IoThreads { get; init; }

    /// <summary>NICs of virtio have a queue for each CPU, four at most.</summary>
    public bool NicQueues { get; init; }

    /// <summary>Queues of the virtio-scsi controller; -1: as many as CPUs; 0: one.</summary>
    public int ScsiQueues { get; init; }

    public bool Sound { get; init; }

    public bool Usb { get; init; }

    /// <summary>urandom, random or hwrng of the host.</summary>
    public string RngSource { get; init; } = "urandom";

    /// <summary>The guest gets so many bytes in each period; 0: as many as it wants.</summary>
    public int RngBytes { get; init; }

    public int RngPeriodMs { get; init; }

    public bool Ballooning { get; init; } = true;

    /// <summary>Whose serial number the guest reads: host, vm, custom or none.</summary>
    public string SerialPolicy { get; init; } = "host";

    public string Serial { get; init; } = "";

    /// <summary>Name of the time zone in which its clock runs, for systems that take it for local time; empty: UTC.</summary>
    public string TimeZone { get; init; } = "";

    /// <summary>Another machine type of QEMU's than that of the BIOS type.</summary>
    public string EmulatedMachine { get; init; } = "";

    public ImmutableArray<CustomProperty> Properties { get; init; } = [];

    public bool Equals(VmHardware? other) =>
        other is not null && Scalars == other.Scalars && Texts == other.Texts
        && Pins.SequenceEqual(other.Pins) && NumaNodes.SequenceEqual(other.NumaNodes) && Properties.SequenceEqual(other.Properties);

    public override int GetHashCode() => HashCode.Combine(Scalars, Texts, Pins.Length, NumaNodes.Length, Properties.Length);

    private (bool, bool, bool, bool, bool, bool, int, int, int, int, int, int) Scalars =>
        (Tpm, BootMenu, NicQueues, Sound, Usb, Ballooning, CpuShares, HugePagesKib, IoThreads, ScsiQueues, RngBytes, RngPeriodMs);

    private (string, string, string, string, string, string, string, string) Texts =>
        (StateFolder, CpuMode, CpuModel, RngSource, SerialPolicy, Serial, TimeZone, EmulatedMachine);
}

/// <param name="Cpus">CPUs of the host as libvirt writes them: 0-3,^2.</param>
public sealed record VcpuPin(int Vcpu, string Cpus);

/// <param name="Cpus">Its CPUs of the guest, as a set: 0-3,6.</param>
/// <param name="HostNodes">Nodes of the host that its memory is taken from, as a set; empty: any.</param>
/// <param name="Mode">strict, interleave or preferred.</param>
public sealed record NumaNode(Guid Id, int Index, long MemoryMib, string Cpus, string HostNodes, string Mode);

public sealed record CustomProperty(string Name, string Value);
