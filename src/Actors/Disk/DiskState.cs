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

    /// <summary>Its image goes to another storage domain.</summary>
    /// <param name="Host">Copies it while no guest has it open.</param>
    /// <param name="To">The new place; from <see cref="MoveStep.Switching"/> on the old one, because the new is the disk's.</param>
    public sealed record Moving(DiskCore Core, Guid Work, HostId Host, DiskPlace To, MoveStep Step) : DiskState(Core)
    {
        /// <summary>Who has the image open; null: nobody.</summary>
        public GuestCopy? Guest { get; init; }

        /// <summary>How often this step was said again.</summary>
        public int Attempt { get; init; }

        /// <summary>Why it turns back.</summary>
        public string Why { get; init; } = "";
    }

    /// <summary>Its image is made bigger.</summary>
    /// <param name="Host">Does it while no guest has it open.</param>
    /// <param name="Size">In bytes.</param>
    public sealed record Growing(DiskCore Core, Guid Work, HostId Host, long Size, GrowthStep Step) : DiskState(Core)
    {
        /// <summary>Who has the image open; null: nobody.</summary>
        public GuestCopy? Guest { get; init; }

        /// <summary>How often a start has come in between.</summary>
        public int Round { get; init; }

        /// <summary>Steps begun, or said again.</summary>
        public int Attempt { get; init; }

        /// <summary>How often in a row nobody knew what became of this one.</summary>
        public int Lost { get; init; }
    }

    /// <summary>Its image is written anew, into another file beside it.</summary>
    /// <param name="Format">cow or raw: of the new image.</param>
    /// <param name="Sparse">As the disk is to be.</param>
    public sealed record Rewriting(
        DiskCore Core, Guid Work, RewriteKind What, HostId Host, string To, string Format, bool Sparse, RewriteStep Step) : DiskState(Core)
    {
        /// <summary>How often it was begun anew because nobody knew what became of it.</summary>
        public int Lost { get; init; }
    }

    /// <summary>It is to go on in an image of its own, on top of one that it has.</summary>
    /// <param name="Work">The job of its VM, which decides what becomes of it.</param>
    /// <param name="On">The image that the new one rests on.</param>
    /// <param name="Path">Of the new one.</param>
    public sealed record Layering(DiskCore Core, VmId Vm, Guid Work, Guid Snapshot, HostId Host, Layer On, string Path, bool Preview) : DiskState(Core)
    {
        /// <summary>The image is there; of a snapshot that is taken the disk has it as its own from then on.</summary>
        public bool Made { get; init; }

        /// <summary>How often it was begun anew because nobody knew what became of it.</summary>
        public int Lost { get; init; }
    }

    /// <summary>Images that no snapshot needs any more go into those they rest on.</summary>
    /// <param name="Work">The job of its VM, which waits for it.</param>
    /// <param name="Host">Does it while no guest has it open.</param>
    public sealed record Merging(DiskCore Core, VmId Vm, Guid Work, HostId Host, MergeStep Step) : DiskState(Core)
    {
        /// <summary>Who has the image open; null: nobody.</summary>
        public GuestCopy? Guest { get; init; }

        /// <summary>How often a start has come in between.</summary>
        public int Round { get; init; }

        /// <summary>Steps begun, or said again.</summary>
        public int Attempt { get; init; }

        /// <summary>How often in a row nobody knew what became of this one.</summary>
        public int Lost { get; init; }
    }

    /// <summary>A client writes or reads its image.</summary>
    public sealed record Transferring(DiskCore Core, ImageTransfer Transfer) : DiskState(Core);

    /// <summary>A host deletes the image.</summary>
    public sealed record Removing(DiskCore Core, HostId Host, Guid Work) : DiskState(Core);

    public sealed record Gone(DiskCore Core) : DiskState(Core);
}

/// <param name="Host">One that reaches it.</param>
public sealed record Leftover(string Path, HostId Host);

public enum MoveStep
{
    /// <summary>Whoever has it is asked whether a guest runs.</summary>
    Asking,

    /// <summary>A host copies it; no guest has it.</summary>
    Copying,

    /// <summary>The guest's host copies it, until what the guest writes goes to both.</summary>
    Mirroring,

    /// <summary>The guest is to go on with the new image alone.</summary>
    Switching,

    /// <summary>The guest is to go on with the old image alone.</summary>
    TurningBack,
}

public enum GrowthStep
{
    /// <summary>Whoever has it is asked whether a guest runs.</summary>
    Asking,

    /// <summary>A host does it; no guest has it.</summary>
    Alone,

    /// <summary>The guest's host does it.</summary>
    UnderGuest,
}

public enum RewriteKind
{
    /// <summary>What reads as zeroes takes no space.</summary>
    Sparsify,

    /// <summary>The file has what the disk needs, and nothing else.</summary>
    Reduce,

    /// <summary>Another format, or another way to take space.</summary>
    Convert,
}

public enum RewriteStep
{
    /// <summary>Whoever has it is asked whether a guest runs.</summary>
    Asking,

    /// <summary>A host does it; no guest has it.</summary>
    Writing,
}

/// <summary>A disk that is made from this one.</summary>
/// <param name="Snapshot">From what it was then; null: from what it is now.</param>
public sealed record DiskReader(DiskId Copy, Guid? Snapshot, DateTimeOffset At);

public enum MergeStep
{
    /// <summary>Its VM is asked whether a guest runs.</summary>
    Asking,

    /// <summary>A host does it; no guest has it.</summary>
    Alone,

    /// <summary>The guest's host does it.</summary>
    UnderGuest,
}

/// <summary>An image that others rest on: nobody writes it.</summary>
/// <param name="Format">raw or qcow2.</param>
/// <param name="Size">Bytes that a guest sees.</param>
/// <param name="Snapshot">Whose state it keeps; null: nobody needs it by itself any more.</param>
public sealed record Layer(string Path, string Format, long Size, Guid? Snapshot);

/// <summary>A look at a snapshot: what the disk was before.</summary>
/// <param name="Work">By which it began.</param>
public sealed record DiskPreview(Guid Work, string Path, ImmutableArray<Layer> Below, long Size);

public sealed record DiskCore(DiskId Id)
{
    public DiskConfig? Config { get; init; }

    /// <summary>Absolute path of the image on every host.</summary>
    public string Path { get; init; } = "";

    /// <summary>What the image at <see cref="Path"/> rests on, from the bottom up: images of snapshots, and at most one that none
    /// needs once no work is under way.</summary>
    public ImmutableArray<Layer> Below { get; init; } = [];

    /// <summary>Not null: the image is one for a look at a snapshot.</summary>
    public DiskPreview? Preview { get; init; }

    /// <summary>raw or qcow2: of the image at <see cref="Path"/>.</summary>
    public string ImageFormat => Config is { Format: "raw" } && Below.IsEmpty ? "raw" : "qcow2";

    /// <summary>VMs that have it; more than one only when it is shareable.</summary>
    public ImmutableArray<VmId> Vms { get; init; } = [];

    /// <summary>Images of before, or of moves that came to nothing: they are to be deleted.</summary>
    public ImmutableArray<Leftover> Leftovers { get; init; } = [];

    /// <summary>Disks that are being made from it.</summary>
    public ImmutableArray<DiskReader> Readers { get; init; } = [];

    /// <summary>Bytes that the image took on its storage when a host last worked on it; null: nobody said.</summary>
    public long? ActualSize { get; init; }

    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}
