using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>Everything a hypervisor needs to know to run one guest; sizes in bytes.</summary>
public sealed record VmDefinition(Guid Id, string Name, long MemoryBytes)
{
    /// <summary>Ceiling for memory hot-plug; 0 or less than <see cref="MemoryBytes"/> means none.</summary>
    public long MaxMemoryBytes { get; init; }

    /// <summary>0 counts as 1, also for cores and threads.</summary>
    public int Sockets { get => Math.Max(1, field); init; }
    public int Cores { get => Math.Max(1, field); init; }
    public int Threads { get => Math.Max(1, field); init; }

    public string Machine { get => field ?? "q35"; init; }
    public Firmware Firmware { get; init; }

    /// <summary>A path on the host for direct kernel boot; null boots from <see cref="BootDevices"/>.</summary>
    public string? Kernel { get; init; }
    public string? Initrd { get; init; }
    public string? Cmdline { get; init; }

    public ImmutableArray<BootDevice> BootDevices { get => field.IsDefault ? [] : field; init; }
    public ImmutableArray<VmDisk> Disks { get => field.IsDefault ? [] : field; init; }
    public ImmutableArray<VmNic> Nics { get => field.IsDefault ? [] : field; init; }
    public Emulation Emulation { get; init; }

    /// <summary>The guest waits for its first instruction until it is resumed.</summary>
    public bool StartPaused { get; init; }

    /// <summary>What the agent does with the guest when a failed disk has paused it.</summary>
    public OnStorageError OnStorageError { get; init; }
    public VmWatchdog? Watchdog { get; init; }

    /// <summary>What is in the CD drive. Null says nothing of it: a guest that is to be changed keeps what it has.</summary>
    public VmCdrom? Cdrom { get; init; }

    /// <summary>Without a screen: no graphics card, and no VNC server.</summary>
    public bool Headless { get; init; }

    /// <summary>Null: an engine of before this gave it.</summary>
    public GuestHardware? Hardware { get; init; }

    public GuestSeed? Seed { get; init; }

    [JsonIgnore]
    public int VirtualCpus => Sockets * Cores * Threads;
}

public sealed record VmDisk(
    Guid Id,
    string Path,
    DiskFormat Format = DiskFormat.Raw,
    DiskInterface Interface = DiskInterface.Virtio,
    bool Bootable = false,
    bool ReadOnly = false)
{
    /// <summary>Not null: <see cref="Path"/> is a throw-away overlay on this image. The agent that launches the guest makes it,
    /// and whoever has the guest when it ends deletes it.</summary>
    public VmBacking? Backing { get; init; }

    /// <summary>What the guest discards stays with the image.</summary>
    public bool KeepDiscarded { get; init; }

    /// <summary>Null: none.</summary>
    public DiskLimits? Limits { get; init; }
}

/// <param name="Path">An image of ISO 9660, which many guests may read at once; empty: no CD is in the drive.</param>
public sealed record VmCdrom(string Path);

/// <summary>What a guest reads until it has written, and never writes.</summary>
public sealed record VmBacking(string Path, DiskFormat Format);

/// <summary>A guest's network card. <paramref name="Bridge"/> null leaves the card without a network.</summary>
public sealed record VmNic(
    Guid Id,
    string Mac,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Bridge,
    NicModel Model = NicModel.Virtio,
    bool Linked = true)
{
    /// <summary>A filter that libvirt of the host knows.</summary>
    public string? Filter { get; init; }

    /// <summary>Null: none.</summary>
    public NicLimits? Limits { get; init; }
}

/// <param name="Model">i6300esb or diag288.</param>
public sealed record VmWatchdog(string Model, WatchdogAction Action);

[JsonConverter(typeof(SnakeCaseEnum<WatchdogAction>))]
public enum WatchdogAction { None, Reset, Poweroff, Pause, Dump }

/// <summary><see cref="AutoResume"/>: the guest goes on when its disks can be used again. <see cref="Kill"/>: the same within
/// 80 s, then it is ended as <see cref="GuestExit.Error"/>.</summary>
[JsonConverter(typeof(SnakeCaseEnum<OnStorageError>))]
public enum OnStorageError { LeavePaused, AutoResume, Kill }

[JsonConverter(typeof(SnakeCaseEnum<Firmware>))]
public enum Firmware { Bios, Uefi, UefiSecureBoot }

[JsonConverter(typeof(SnakeCaseEnum<BootDevice>))]
public enum BootDevice { Hd, Cdrom, Network }

[JsonConverter(typeof(SnakeCaseEnum<DiskFormat>))]
public enum DiskFormat { Raw, Qcow2 }

[JsonConverter(typeof(SnakeCaseEnum<DiskInterface>))]
public enum DiskInterface { Virtio, VirtioScsi, Sata, Ide }

[JsonConverter(typeof(SnakeCaseEnum<NicModel>))]
public enum NicModel { Virtio, E1000, E1000e, Rtl8139 }

/// <summary><see cref="Auto"/> takes what the agent's configuration says of its host.</summary>
[JsonConverter(typeof(SnakeCaseEnum<Emulation>))]
public enum Emulation { Auto, Kvm, Tcg }
