using System.Collections.Immutable;

namespace Orchestrator.Actors.Vm;

/// <summary>What a VM was at one moment: its definition, and an image of each of its disks.</summary>
/// <param name="Id">The job by which it was taken.</param>
/// <param name="Disks">Those of which it has an image.</param>
public sealed record VmSnapshot(Guid Id, string Description, DateTimeOffset At, VmConfig Config, ImmutableArray<DiskId> Disks)
{
    /// <summary>Its removal has begun: its images may have taken in what was written after it.</summary>
    public bool Broken { get; init; }
}

/// <summary>A disk that gets a new image.</summary>
/// <param name="Host">One that reaches its storage domain.</param>
/// <param name="Path">Of the new image, absolute, the same on every host.</param>
public sealed record SnapshotDisk(DiskId Disk, HostId Host, string Path);

/// <summary>The VM is as it was at a snapshot, until somebody decides that it stays so, or not.</summary>
/// <param name="Work">The job by which it began.</param>
/// <param name="Before">The definition of before.</param>
public sealed record VmPreview(Guid Work, Guid Snapshot, VmConfig Before, ImmutableArray<DiskId> Disks);

public enum SnapshotOrder { Take, Remove, Preview, Undo, Commit }

public enum SnapshotStep
{
    /// <summary>Each disk has a new image made.</summary>
    Layering,

    /// <summary>The guest, if one runs, is to go on in the new images, with all of them at one moment.</summary>
    Switching,

    /// <summary>Each disk is told what was decided.</summary>
    Ending,
}

/// <summary>Work on snapshots that is under way; one at a time.</summary>
/// <param name="Waiting">Disks that have not done this step.</param>
public sealed record SnapshotTask(
    SnapshotOrder What, Job Job, Guid Snapshot, ImmutableArray<SnapshotDisk> Disks, SnapshotStep Step, ImmutableArray<DiskId> Waiting)
{
    public Guid Work { get; init; } = Job.Id.Value;

    /// <summary>What the disks are told at the end: to stay with what was made.</summary>
    public bool Keep { get; init; } = true;

    /// <summary>Why it comes to nothing; null: it does not.</summary>
    public string? Why { get; init; }

    /// <summary>Of one that comes to nothing: disks that a start has decided to stay with the new image. The guest must be switched
    /// to these after all.</summary>
    public ImmutableArray<DiskId> Stays { get; init; } = [];

    /// <summary>How often the guest's host was asked because nobody knew what became of it.</summary>
    public int Lost { get; init; }

    /// <summary>What is seen stays, without anybody asked.</summary>
    public bool Restores { get; init; }

    /// <summary>Of the order to the guest's host: each time that it is said anew, and to each copy of the guest, it has a number of
    /// its own.</summary>
    public Guid StepWork(Seat? seat) => WorkId.Of($"{Work} switch {Stays.Length} {Lost} {seat?.Lease.Number ?? 0}");
}
