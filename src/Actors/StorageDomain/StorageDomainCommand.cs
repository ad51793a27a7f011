namespace Orchestrator.Actors.StorageDomain;

/// <summary>What may be asked of a storage domain, and what may be reported to it.</summary>
public abstract record StorageDomainCommand : Traced
{
    private StorageDomainCommand()
    {
    }

    /// <param name="Host">The host that prepares the folder.</param>
    public sealed record Create(Origin Origin, StorageDomainConfig Config, HostId Host) : StorageDomainCommand;

    public sealed record Update(Origin Origin, StorageDomainPatch Patch) : StorageDomainCommand;

    public sealed record Attach(Origin Origin, DataCenterId DataCenter) : StorageDomainCommand;

    public sealed record Detach(Origin Origin, DataCenterId DataCenter) : StorageDomainCommand;

    public sealed record Activate(Origin Origin) : StorageDomainCommand;

    public sealed record Deactivate(Origin Origin) : StorageDomainCommand;

    /// <summary>Forget the domain; the images stay where they are.</summary>
    public sealed record Remove(Origin Origin) : StorageDomainCommand;

    public sealed record ReportImageWork(Guid Work, bool Ok, string Message, long Available, long Used,
        DateTimeOffset At) : StorageDomainCommand;
}

public sealed record StorageDomainConfig
{
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    public string Comment { get; init; } = "";

    /// <summary>data, iso or export.</summary>
    public string Type { get; init; } = "data";

    /// <summary>posixfs, nfs or localfs.</summary>
    public string StorageType { get; init; } = "posixfs";

    /// <summary>NFS server, or empty.</summary>
    public string Address { get; init; } = "";

    /// <summary>Absolute path of the folder, the same on all hosts.</summary>
    public required string Path { get; init; }

    public string VfsType { get; init; } = "";
}

public sealed record StorageDomainPatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public string? Comment { get; init; }

    public StorageDomainConfig Apply(StorageDomainConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Comment = Comment ?? config.Comment,
    };
}
