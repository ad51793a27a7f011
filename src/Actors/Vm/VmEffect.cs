using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Actors.Vm;

/// <summary>What a VM asks of the world. Said again until answered, so each carries the lease it rests on.</summary>
public abstract record VmEffect
{
    private VmEffect()
    {
    }

    /// <summary>Ask the cluster for a host.</summary>
    public sealed record FindHost(Lease AskedAt, HostId? Wanted, HostId? NotOn) : VmEffect
    {
        /// <summary>As <see cref="VmCore.FailedRestarts"/>.</summary>
        public int Failed { get; init; }
    }

    public sealed record Launch(Seat Seat) : VmEffect
    {
        /// <summary>File of the memory that it goes on from; empty: it boots.</summary>
        public string Memory { get; init; } = "";
    }

    public sealed record Halt(Seat Seat, StopMode Mode) : VmEffect;

    public sealed record Act(Seat Seat, PendingAction Action) : VmEffect;

    /// <summary>Give the guest the machine of <see cref="VmCore.Reshape"/>.</summary>
    public sealed record Reshape(Seat Seat, long Number) : VmEffect;

    public sealed record SaveMemory(Seat Seat, JobId Id, string Path) : VmEffect;

    /// <summary>Have a host delete a file of memory that nothing will be started from.</summary>
    public sealed record DeleteMemory(string Path) : VmEffect;

    /// <summary>Tell a disk whether a guest has its image open, and where.</summary>
    /// <param name="Seat">Null: none has.</param>
    /// <param name="Why">Not null: it is not to be had.</param>
    public sealed record AnswerLoan(DiskId Disk, Guid Work, Seat? Seat, string? Why) : VmEffect;

    public sealed record AskWhetherLent(LentDisk Lent) : VmEffect;

    public sealed record AddLayer(SnapshotDisk Disk, Guid Snapshot, bool Preview) : VmEffect;

    /// <summary>Tell a disk what becomes of its new image.</summary>
    public sealed record EndLayer(DiskId Disk, Guid Work, bool Keep) : VmEffect;

    /// <param name="Preview">The job by which the look began.</param>
    public sealed record EndPreview(DiskId Disk, Guid Work, Guid Preview, bool Keep) : VmEffect;

    public sealed record DropSnapshot(SnapshotDisk Disk, Guid Snapshot) : VmEffect;

    /// <summary>Have the guest go on in the new images of these disks.</summary>
    /// <param name="Seat">Null: no guest runs.</param>
    public sealed record TakeSnapshot(Seat? Seat, Guid Work, ImmutableArray<SnapshotDisk> Disks) : VmEffect;

    /// <summary>End a copy that must not be.</summary>
    public sealed record Destroy(HostId Host, Lease Lease) : VmEffect;

    public sealed record ExpectIncoming(Seat To) : VmEffect;

    public sealed record MigrateOut(Seat From, Seat To) : VmEffect
    {
        public MigrationTerms? Terms { get; init; }
    }

    public sealed record CancelMigration(Seat From) : VmEffect;

    /// <summary>The source is dead: wait no longer at the destination for what cannot come.</summary>
    public sealed record AbandonIncoming(Seat To) : VmEffect;

    /// <summary>Look which hosts have not told yet what they have.</summary>
    public sealed record Seek(long Restoration) : VmEffect;

    /// <summary>Ask the host whether the guest that sat there is proved dead.</summary>
    public sealed record AskWhetherGone(Seat Seat) : VmEffect;
}
