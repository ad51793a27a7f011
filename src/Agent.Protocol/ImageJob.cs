using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// A long piece of work on storage, idempotent by its id: the same id again answers how it stands, it never runs twice.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Create), "create")]
[JsonDerivedType(typeof(Delete), "delete")]
[JsonDerivedType(typeof(Copy), "copy")]
[JsonDerivedType(typeof(PrepareDomain), "prepare-domain")]
[JsonDerivedType(typeof(CheckDomain), "check-domain")]
[JsonDerivedType(typeof(Mirror), "mirror")]
[JsonDerivedType(typeof(Switch), "switch")]
[JsonDerivedType(typeof(TurnBack), "turn-back")]
[JsonDerivedType(typeof(CloseUpload), "close-upload")]
[JsonDerivedType(typeof(Grow), "grow")]
[JsonDerivedType(typeof(GrowUnderGuest), "grow-under-guest")]
[JsonDerivedType(typeof(StepDomain), "step-domain")]
[JsonDerivedType(typeof(Merge), "merge")]
[JsonDerivedType(typeof(MergeUnderGuest), "merge-under-guest")]
[JsonDerivedType(typeof(TakeSnapshot), "take-snapshot")]
[JsonDerivedType(typeof(Rewrite), "rewrite")]
[JsonDerivedType(typeof(Seal), "seal")]
public abstract record ImageJob
{
    /// <summary>A new image; <paramref name="Backing"/> makes it a qcow2 overlay. Existing files are never overwritten.</summary>
    public sealed record Create(
        string Path, DiskFormat Format, long SizeBytes, string? Backing = null, DiskFormat? BackingFormat = null) : ImageJob
    {
        /// <summary>All of its space is taken from the storage at once.</summary>
        public bool Preallocated { get; init; }
    }

    /// <summary>A file that is already gone counts as deleted.</summary>
    public sealed record Delete(string Path) : ImageJob;

    public sealed record Copy(
        string Source, DiskFormat SourceFormat, string Destination, DiskFormat DestinationFormat) : ImageJob
    {
        /// <summary>Of the destination: all of its space is taken from the storage at once.</summary>
        public bool Preallocated { get; init; }
    }

    /// <summary>A copy that takes no space for what reads as zeroes, and that was compared with its source before it has its name.
    /// Nobody writes the source. Agents of 0.1.0 refuse it.</summary>
    public sealed record Rewrite(
        string Source, DiskFormat SourceFormat, string Destination, DiskFormat DestinationFormat) : ImageJob
    {
        /// <summary>Of the destination: all of its space is taken from the storage at once.</summary>
        public bool Preallocated { get; init; }
    }

    /// <summary>Takes off the images of one machine what belongs to it alone: keys, names, logs. Done again it changes nothing more.
    /// Nobody has them open. Agents of 0.1.0 refuse it.</summary>
    public sealed record Seal(ImmutableArray<SealImage> Images) : ImageJob;

    /// <summary>Lays out &lt;path&gt;/&lt;domain&gt;/{dom_md,images} and writes whose it is; refuses one that has another owner.</summary>
    public sealed record PrepareDomain(string Path, Guid Domain, string Owner) : ImageJob;

    /// <summary>Is it there, writable, and whose is it?</summary>
    public sealed record CheckDomain(string Path, Guid Domain) : ImageJob;

    /// <summary>Copies the image that a running guest has open. Done when the copy has caught up and each write of the guest is
    /// answered only when it is in both. This and the next two are lost, not failed, while the guest is not here under that
    /// lease: then nobody here knows which image it wrote last.</summary>
    public sealed record Mirror(Guid Vm, long Lease, Guid Disk, string Destination, DiskFormat Format) : ImageJob;

    /// <summary>The guest goes on with the copy alone; done, too, when it did so before. Failed: it writes the old one alone, or
    /// still both.</summary>
    public sealed record Switch(Guid Vm, long Lease, Guid Disk, string Destination) : ImageJob;

    /// <summary>The guest goes on with the image that it had; done, too, when nothing of a copy is left. The copy stays there
    /// as a file. Failed: the guest has been switched to it.</summary>
    public sealed record TurnBack(Guid Vm, long Lease, Guid Disk, string Destination) : ImageJob;

    /// <summary>Done, too, when the image has that size or more. No guest has it open.</summary>
    public sealed record Grow(string Path, DiskFormat Format, long SizeBytes) : ImageJob
    {
        /// <summary>All of the new space is taken from the storage at once.</summary>
        public bool Preallocated { get; init; }
    }

    /// <summary>The guest hears of the new size. Done, too, when its disk has that size or more; lost while the guest is not here
    /// under that lease.</summary>
    public sealed record GrowUnderGuest(Guid Vm, long Lease, Guid Disk, long SizeBytes) : ImageJob;

    /// <summary>Puts all of an image into the one that it rests on, which is done, too, when that was done before. No guest has any
    /// of them open. The image stays there as a file.</summary>
    /// <param name="Above">Rests on <paramref name="Path"/>, and on <paramref name="Base"/> when this is done; null: nothing does.</param>
    public sealed record Merge(string Path, string Base, DiskFormat BaseFormat, string? Above = null) : ImageJob;

    /// <summary>The same under a guest that has them open, and does not write <paramref name="Path"/>. Lost while the guest is not
    /// here under that lease.</summary>
    public sealed record MergeUnderGuest(Guid Vm, long Lease, Guid Disk, string Path, string Base) : ImageJob;

    /// <summary>The guest goes on in these images, in all of them since one moment; done, too, when it did so before. Each is there
    /// and rests on the one that the guest has. Failed: it writes the old ones. Lost while the guest is not here under that
    /// lease.</summary>
    public sealed record TakeSnapshot(Guid Vm, long Lease, ImmutableArray<GuestLayer> Layers) : ImageJob;

    /// <summary>Ends the transfer's tickets: none is given for it here ever again. Done when all that was written is on the
    /// storage, and the image is of that format and size and rests on no other file.</summary>
    public sealed record CloseUpload(Guid Transfer, string Path, DiskFormat Format, long VirtualBytes) : ImageJob;

    /// <summary>A step in the life of a storage domain, which is mounted for it. Agents of 0.1.0 refuse it.</summary>
    /// <param name="Installation">Whose the domain is to be, or must be.</param>
    public sealed record StepDomain(StoragePlace Place, DomainStep Step, string Installation) : ImageJob
    {
        public string Name { get => field ?? ""; init; }

        /// <summary>data, iso or export.</summary>
        public string Role { get => field ?? "data"; init; }

        public Guid? DataCenter { get; init; }

        public bool Force { get; init; }
    }
}

public sealed record GuestLayer(Guid Disk, string Path);

public sealed record SealImage(string Path, DiskFormat Format);

public sealed record JobOrder(Stamp Stamp, ImageJob Job);

public sealed record JobReport(Guid Id, JobState State, int Percent = 0, string? Message = null)
{
    /// <summary>What the job made or found, once <see cref="JobState.Done"/>.</summary>
    public ImageFacts? Image { get; init; }
    public DomainFacts? Domain { get; init; }
}

public sealed record ImageFacts(DiskFormat Format, long VirtualBytes, long ActualBytes);

public sealed record DomainFacts(string Owner, long TotalBytes, long AvailableBytes);

/// <summary><see cref="Lost"/>: the agent was stopped in the middle; what is on the storage is undefined.</summary>
[JsonConverter(typeof(SnakeCaseEnum<JobState>))]
public enum JobState { Running, Done, Failed, Lost }
