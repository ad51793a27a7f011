using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Actors.Vm;

/// <summary>What a VM is meant to be: its definition, independent of where and whether it runs.</summary>
public sealed record VmConfig
{
    public required string Name { get; init; }

    public required ClusterId Cluster { get; init; }

    public string Description { get; init; } = "";

    public string Comment { get; init; } = "";

    public TemplateId Template { get; init; } = TemplateId.Blank;

    /// <summary>Bytes.</summary>
    public long Memory { get; init; } = 1L << 30;

    /// <summary>Bytes that the host must be able to give at any time; at most <see cref="Memory"/>.</summary>
    public long GuaranteedMemory { get; init; } = 1L << 30;

    /// <summary>Bytes up to which memory may be plugged in; at least <see cref="Memory"/>.</summary>
    public long MaxMemory { get; init; } = 4L << 30;

    public int Sockets { get; init; } = 1;

    public int Cores { get; init; } = 1;

    public int Threads { get; init; } = 1;

    public bool HighlyAvailable { get; init; }

    /// <summary>0 to 100; higher restarts first.</summary>
    public int Priority { get; init; } = 1;

    /// <summary>desktop, server or high_performance.</summary>
    public string Type { get; init; } = "desktop";

    public string OsType { get; init; } = "other";

    /// <summary>Path of a kernel for direct boot, on the host; empty: boot from disk.</summary>
    public string Kernel { get; init; } = "";

    public string Initrd { get; init; } = "";

    public string Cmdline { get; init; } = "";

    /// <summary>hd, cdrom, network in order.</summary>
    public ImmutableArray<string> BootDevices { get; init; } = ["hd"];

    public string BiosType { get; init; } = "q35_sea_bios";

    public VmAffinity Affinity { get; init; } = VmAffinity.Migratable;

    /// <summary>Hosts that the VM prefers (or must use, when pinned).</summary>
    public ImmutableArray<HostId> PreferredHosts { get; init; } = [];

    /// <summary>How its guest is moved; what is left open is the cluster's choice.</summary>
    public MigrationOptions Migration { get; init; } = new();

    /// <summary>The longest that the guest may stand still at the end of a migration, milliseconds; null: the policy's choice.
    /// Obeyed by the policy Legacy only, as in oVirt.</summary>
    public int? MigrationDowntimeMs { get; init; }

    public bool DeleteProtected { get; init; }

    public bool Stateless { get; init; }

    /// <summary>The guest waits for its first instruction until a user starts it once more.</summary>
    public bool StartPaused { get; init; }

    /// <summary>What becomes of a guest that a failed disk has paused. VMs of before this was asked are left as they are.</summary>
    public StorageErrorResume OnStorageError { get; init; }

    /// <summary>A device that notices a guest that hangs; null: it has none.</summary>
    public Watchdog? Watchdog { get; init; }

    /// <summary>What is in the CD drive: an image of the content iso, which many VMs may read at once; null: nothing.</summary>
    public DiskId? Cdrom { get; init; }

    /// <summary>Without a screen: no graphics card, and nothing for VNC to show.</summary>
    public bool Headless { get; init; }

    /// <summary>Null: as <see cref="VmHardware.Usual"/>.</summary>
    public VmHardware? Hardware { get; init; }

    /// <summary>What the guest is told at its first start; null: nothing.</summary>
    public Initialization? Initialization { get; init; }

    public ImmutableArray<DiskAttachment> Disks { get; init; } = [];

    public ImmutableArray<Nic> Nics { get; init; } = [];

    public int VCpus => Sockets * Cores * Threads;

    /// <summary>This definition of a guest that runs, with all of a wanted one that needs no other machine: what only the
    /// engine knows of. The rest is for the next start.</summary>
    public VmConfig Taking(VmConfig wanted) => this with
    {
        Name = wanted.Name,
        Description = wanted.Description,
        Comment = wanted.Comment,
        Type = wanted.Type,
        OsType = wanted.OsType,
        HighlyAvailable = wanted.HighlyAvailable,
        Priority = wanted.Priority,
        Affinity = wanted.Affinity,
        PreferredHosts = wanted.PreferredHosts,
        DeleteProtected = wanted.DeleteProtected,
        StartPaused = wanted.StartPaused,
        Disks = Inert(Disks, wanted.Disks, d => d.Disk.Value, d => d.Active, (mine, theirs) => mine with { Bootable = theirs.Bootable }),
        Nics = Inert(Nics, wanted.Nics, n => n.Id, n => n.Plugged, (mine, theirs) => mine with { Name = theirs.Name }),
    };

    /// <summary>What is plugged in stays as it is; what is not, the guest knows nothing of.</summary>
    private static ImmutableArray<T> Inert<T>(
        ImmutableArray<T> mine, ImmutableArray<T> wanted, Func<T, Guid> idOf, Func<T, bool> isIn, Func<T, T, T> named)
        where T : class =>
    [
        .. wanted.Select(w => mine.FirstOrDefault(m => isIn(m) && idOf(m) == idOf(w)) is { } has ? named(has, w) : isIn(w) ? null : w)
            .OfType<T>(),
        .. mine.Where(m => isIn(m) && !wanted.Any(w => idOf(w) == idOf(m))),
    ];

    /// <summary>
    /// Whether QEMU's locks on images keep a guest of this definition from starting while one of the other runs: they have
    /// a disk in common, and one of them writes to the image itself. Stateless guests only read it, as backing image.
    /// </summary>
    public bool IsLockedOutBy(VmConfig running) =>
        Disks.Any(mine => mine.Active && running.Disks.Any(theirs =>
            theirs.Disk == mine.Disk && theirs.Active && (Writes(mine) || running.Writes(theirs))));

    private bool Writes(DiskAttachment disk) => !Stateless && !disk.ReadOnly;

    /// <summary>Whether both are the same, element by element.</summary>
    public bool Says(VmConfig other) =>
        this with
        {
            BootDevices = other.BootDevices,
            PreferredHosts = other.PreferredHosts,
            Disks = other.Disks,
            Nics = other.Nics,
            // Is for a guest that has never run.
            Initialization = other.Initialization,
        } == other
        && BootDevices.SequenceEqual(other.BootDevices) && PreferredHosts.SequenceEqual(other.PreferredHosts)
        && Disks.SequenceEqual(other.Disks) && Nics.SequenceEqual(other.Nics);
}

/// <summary>oVirt's storage_error_resume_behaviour. Kill: it goes on if the storage is back within 80 s, and is ended
/// otherwise, so that HA may bring it back elsewhere.</summary>
public enum StorageErrorResume { LeavePaused, AutoResume, Kill }

/// <param name="Model">i6300esb, or diag288 (s390x); empty in a change: no device any more.</param>
/// <param name="Action">none, reset, poweroff, pause or dump.</param>
public sealed record Watchdog(string Model, string Action);

public enum VmAffinity { Migratable, UserMigratable, Pinned }

/// <summary>A disk plugged into a VM. The image's path and format belong to the disk.</summary>
/// <param name="Interface">virtio, virtio_scsi, sata or ide.</param>
public sealed record DiskAttachment(DiskId Disk, string Interface, bool Bootable, bool Active, bool ReadOnly)
{
    /// <summary>What the guest discards is given back to the storage.</summary>
    public bool PassDiscard { get; init; } = true;

    public DiskQos? Qos { get; init; }
}

/// <param name="Interface">virtio, e1000, e1000e or rtl8139.</param>
/// <param name="Mac">Six octets with colons, lower case.</param>
/// <param name="Bridge">Bridge on the host that the NIC is plugged into.</param>
public sealed record Nic(Guid Id, string Name, string Interface, string Mac, string Bridge, bool Linked, bool Plugged)
{
    /// <summary>A filter of libvirt's on the host; empty: none.</summary>
    public string Filter { get; init; } = "";

    public NicQos? Qos { get; init; }

    /// <summary>The vNIC profile by which it was plugged in; null: by the bridge alone.</summary>
    public Guid? Profile { get; init; }
}

/// <summary>Changes to a definition; null leaves a field as it is.</summary>
public sealed record VmPatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public string? Comment { get; init; }

    public long? Memory { get; init; }

    public long? GuaranteedMemory { get; init; }

    public long? MaxMemory { get; init; }

    public int? Sockets { get; init; }

    public int? Cores { get; init; }

    public int? Threads { get; init; }

    public bool? HighlyAvailable { get; init; }

    public int? Priority { get; init; }

    public string? Type { get; init; }

    public string? OsType { get; init; }

    public string? Kernel { get; init; }

    public string? Initrd { get; init; }

    public string? Cmdline { get; init; }

    public ImmutableArray<string>? BootDevices { get; init; }

    public string? BiosType { get; init; }

    public VmAffinity? Affinity { get; init; }

    public MigrationOptions? Migration { get; init; }

    /// <summary>Below 0: the policy's choice.</summary>
    public int? MigrationDowntimeMs { get; init; }

    public ImmutableArray<HostId>? PreferredHosts { get; init; }

    public bool? DeleteProtected { get; init; }

    public bool? Stateless { get; init; }

    public bool? StartPaused { get; init; }

    public StorageErrorResume? OnStorageError { get; init; }

    public Watchdog? Watchdog { get; init; }

    public bool? Headless { get; init; }

    public VmHardware? Hardware { get; init; }

    public Initialization? Initialization { get; init; }

    /// <summary>The id of no disk at all takes the CD out.</summary>
    public DiskId? Cdrom { get; init; }

    public VmConfig Apply(VmConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Comment = Comment ?? config.Comment,
        Memory = Memory ?? config.Memory,
        GuaranteedMemory = GuaranteedMemory ?? Math.Min(config.GuaranteedMemory, Memory ?? config.Memory),
        MaxMemory = MaxMemory ?? Math.Max(config.MaxMemory, Memory ?? config.Memory),
        Sockets = Sockets ?? config.Sockets,
        Cores = Cores ?? config.Cores,
        Threads = Threads ?? config.Threads,
        HighlyAvailable = HighlyAvailable ?? config.HighlyAvailable,
        Priority = Priority ?? config.Priority,
        Type = Type ?? config.Type,
        OsType = OsType ?? config.OsType,
        Kernel = Kernel ?? config.Kernel,
        Initrd = Initrd ?? config.Initrd,
        Cmdline = Cmdline ?? config.Cmdline,
        BootDevices = BootDevices ?? config.BootDevices,
        BiosType = BiosType ?? config.BiosType,
        Affinity = Affinity ?? config.Affinity,
        Migration = Migration ?? config.Migration,
        MigrationDowntimeMs = MigrationDowntimeMs is { } ms ? (ms < 0 ? null : ms) : config.MigrationDowntimeMs,
        PreferredHosts = PreferredHosts ?? config.PreferredHosts,
        DeleteProtected = DeleteProtected ?? config.DeleteProtected,
        Stateless = Stateless ?? config.Stateless,
        StartPaused = StartPaused ?? config.StartPaused,
        OnStorageError = OnStorageError ?? config.OnStorageError,
        Headless = Headless ?? config.Headless,
        Hardware = Hardware is null ? config.Hardware : Hardware == VmHardware.Usual ? null : Hardware,
        Initialization = Initialization ?? config.Initialization,
        Cdrom = Cdrom is not { } cd ? config.Cdrom : cd.Value == Guid.Empty ? null : cd,
        Watchdog = Watchdog is null ? config.Watchdog : Watchdog.Model == "" ? null : Watchdog,
    };
}
