namespace Orchestrator.Actors.Disk;

/// <summary>What may be asked of a disk, and what may be reported to it.</summary>
public abstract record DiskCommand : Traced
{
    private DiskCommand()
    {
    }

    /// <param name="Path">Absolute path of the image on every host.</param>
    /// <param name="Host">A host that can reach the storage domain.</param>
    /// <param name="Source">Image to copy, or empty: a new empty image.</param>
    public sealed record Create(
        Origin Origin, DiskConfig Config, string Path, HostId Host, string Source, string SourceFormat) : DiskCommand;

    public sealed record Update(Origin Origin, DiskPatch Patch) : DiskCommand;

    /// <param name="Host">A host that can reach the storage domain.</param>
    public sealed record Remove(Origin Origin, HostId Host) : DiskCommand;

    public sealed record ReportImageWork(Guid Work, bool Ok, string Message, DateTimeOffset At) : DiskCommand;

    // from VMs
    public sealed record Attach(Origin Origin, VmId Vm) : DiskCommand;

    public sealed record Detach(Origin Origin, VmId Vm) : DiskCommand;
}

public sealed record DiskConfig
{
    /// <summary>oVirt's alias and name.</summary>
    public required string Name { get; init; }

    public required StorageDomainId StorageDomain { get; init; }

    /// <summary>Bytes that the guest sees.</summary>
    public required long ProvisionedSize { get; init; }

    /// <summary>cow (qcow2) or raw.</summary>
    public string Format { get; init; } = "cow";

    public bool Sparse { get; init; } = true;

    public bool Shareable { get; init; }

    public string Description { get; init; } = "";
}

public sealed record DiskPatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public bool? Shareable { get; init; }

    public DiskConfig Apply(DiskConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Shareable = Shareable ?? config.Shareable,
    };
}
