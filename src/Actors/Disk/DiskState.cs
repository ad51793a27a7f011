using System.Collections.Immutable;

namespace Orchestrator.Actors.Disk;

/// <summary>What a disk is. Its image is only touched by the work that its phase names.</summary>
public abstract record DiskState(DiskCore Core)
{
    public sealed record Absent(DiskCore Core) : DiskState(Core);

    /// <summary>A host makes the image.</summary>
    public sealed record Creating(DiskCore Core, HostId Host, Guid Work, string Source, string SourceFormat)
        : DiskState(Core);

    public sealed record Ok(DiskCore Core) : DiskState(Core);

    /// <summary>The image could not be made; the disk can only be removed.</summary>
    public sealed record Illegal(DiskCore Core, string Reason) : DiskState(Core);

    /// <summary>A host deletes the image.</summary>
    public sealed record Removing(DiskCore Core, HostId Host, Guid Work) : DiskState(Core);

    public sealed record Gone(DiskCore Core) : DiskState(Core);
}

public sealed record DiskCore(DiskId Id)
{
    public DiskConfig? Config { get; init; }

    /// <summary>Absolute path of the image on every host.</summary>
    public string Path { get; init; } = "";

    /// <summary>VMs that have it; more than one only when it is shareable.</summary>
    public ImmutableArray<VmId> Vms { get; init; } = [];

    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}
