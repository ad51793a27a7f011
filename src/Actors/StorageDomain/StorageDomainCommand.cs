namespace Orchestrator.Actors.StorageDomain;

/// <summary>What may be asked of a storage domain, and what may be reported to it.</summary>
public abstract record StorageDomainCommand : Traced
{
    private StorageDomainCommand()
    {
    }

    /// <param name="Host">The host that prepares the folder.</param>
    public sealed record Create(Origin Origin, StorageDomainConfig Config, HostId Host) : StorageDomainCommand
    {
        public Opening Opening { get; init; }
    }

    public sealed record Update(Origin Origin, StorageDomainPatch Patch) : StorageDomainCommand;

    public sealed record Attach(Origin Origin, DataCenterId DataCenter) : StorageDomainCommand
    {
        /// <summary>The host that looks at the metadata first; null: nobody does, as in 0.1.0.</summary>
        public HostId? Host { get; init; }
    }

    public sealed record Detach(Origin Origin, DataCenterId DataCenter) : StorageDomainCommand
    {
        /// <summary>The host that writes that it is detached; null: nobody does, as in 0.1.0.</summary>
        public HostId? Host { get; init; }
    }

    public sealed record Activate(Origin Origin) : StorageDomainCommand
    {
        /// <summary>As of an attachment.</summary>
        public HostId? Host { get; init; }
    }

    public sealed record Deactivate(Origin Origin) : StorageDomainCommand;

    public sealed record Remove(Origin Origin) : StorageDomainCommand
    {
        public Removal Removal { get; init; }

        /// <summary>The host that deletes it, if it is to be deleted.</summary>
        public HostId? Host { get; init; }
    }

    /// <summary>No host of its data center that is up reads it.</summary>
    public sealed record ReportUnread(string Reason, DateTimeOffset At) : StorageDomainCommand;

    /// <summary>A host reads it again.</summary>
    public sealed record ReportRead(DateTimeOffset At) : StorageDomainCommand;

    /// <summary>Bytes, as a host sees them.</summary>
    public sealed record ReportSpace(long Available, long Used, DateTimeOffset At) : StorageDomainCommand;

    public sealed record ReportImageWork(Guid Work, bool Ok, string Message, long Available, long Used,
        DateTimeOffset At) : StorageDomainCommand;
}

/// <summary>How a new domain comes to be.</summary>
public enum Opening
{
    /// <summary>At an empty place.</summary>
    Format,

    /// <summary>At a place that may have other things, which stay.</summary>
    FormatBeside,

    /// <summary>It is there already, and free.</summary>
    Import,

    /// <summary>It is there already; the installation that has it is lost for ever.</summary>
    Seize,
}

public enum Removal
{
    /// <summary>The images stay where they are.</summary>
    Forget,

    /// <summary>All of it is deleted from the storage.</summary>
    Wipe,

    /// <summary>It cannot be reached any more, and is forgotten in whatever state it is.</summary>
    Destroy,
}

public sealed record StorageDomainConfig
{
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    public string Comment { get; init; } = "";

    /// <summary>data, iso or export.</summary>
    public string Type { get; init; } = "data";

    /// <summary>posixfs, nfs, glusterfs or localfs.</summary>
    public string StorageType { get; init; } = "posixfs";

    /// <summary>NFS server, or empty.</summary>
    public string Address { get; init; } = "";

    /// <summary>What is mounted; without a <see cref="Folder"/> the absolute path of the folder itself, the same on all hosts.</summary>
    public required string Path { get; init; }

    public string VfsType { get; init; } = "";

    /// <summary>Of mount(8).</summary>
    public string MountOptions { get; init; } = "";

    /// <summary>Where all hosts mount it; empty: it is a folder that is there already.</summary>
    public string Folder { get; init; } = "";

    /// <summary>Of localfs: the one host that has it.</summary>
    public HostId? Host { get; init; }

    /// <summary>Whom its metadata name as their owner; empty: it was made before metadata named one.</summary>
    public string Installation { get; init; } = "";

    /// <summary>Below this percentage of free space operators are warned; 0: never.</summary>
    public int WarningLowSpacePercent { get; init; } = 10;

    /// <summary>Below so many GiB of free space no disk is made or grows; 0: never.</summary>
    public int CriticalSpaceGigabytes { get; init; } = 5;
}

public sealed record StorageDomainPatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public string? Comment { get; init; }

    public int? WarningLowSpacePercent { get; init; }

    public int? CriticalSpaceGigabytes { get; init; }

    /// <summary>Where it is from now on; only while no host has it mounted.</summary>
    public StorageLocation? Location { get; init; }

    public StorageDomainConfig Apply(StorageDomainConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Comment = Comment ?? config.Comment,
        WarningLowSpacePercent = WarningLowSpacePercent ?? config.WarningLowSpacePercent,
        CriticalSpaceGigabytes = CriticalSpaceGigabytes ?? config.CriticalSpaceGigabytes,
        Address = Location?.Address ?? config.Address,
        Path = Location?.Path ?? config.Path,
        VfsType = Location?.VfsType ?? config.VfsType,
        MountOptions = Location?.MountOptions ?? config.MountOptions,
    };
}

/// <summary>What oVirt calls a storage connection.</summary>
public sealed record StorageLocation(string Address, string Path, string VfsType, string MountOptions);
