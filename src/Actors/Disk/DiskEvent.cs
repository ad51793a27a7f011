namespace Orchestrator.Actors.Disk;

/// <summary>What happened to a disk: the journal's vocabulary.</summary>
public abstract record DiskEvent
{
    private DiskEvent()
    {
    }

    public sealed record Created(
        Origin Origin, DiskConfig Config, string Path, HostId Host, string Source, string SourceFormat) : DiskEvent;

    public sealed record Redefined(Origin Origin, DiskConfig Config) : DiskEvent;

    public sealed record ImageMade(DateTimeOffset At) : DiskEvent
    {
        /// <summary>Bytes that it takes on its storage; null: the host did not say.</summary>
        public long? ActualSize { get; init; }
    }

    public sealed record ImageFailed(string Reason, DateTimeOffset At) : DiskEvent;

    public sealed record Attached(Origin Origin, VmId Vm) : DiskEvent;

    public sealed record Detached(Origin Origin, VmId Vm) : DiskEvent;

    public sealed record RemovalRequested(Origin Origin, HostId Host) : DiskEvent;

    public sealed record Removed(DateTimeOffset At) : DiskEvent;

    public sealed record MoveRequested(Origin Origin, DiskPlace To, HostId Host) : DiskEvent;

    /// <summary>No guest has the image open.</summary>
    public sealed record CopyBegun(DateTimeOffset At) : DiskEvent;

    /// <summary>The guest goes on writing meanwhile.</summary>
    public sealed record MirrorBegun(GuestCopy Guest, DateTimeOffset At) : DiskEvent;

    /// <summary>The copy has caught up, and whatever the guest writes goes to both.</summary>
    public sealed record SwitchBegun(DateTimeOffset At) : DiskEvent;

    /// <summary>The guest runs on, on the old image.</summary>
    public sealed record MoveTurnedBack(string Reason, DateTimeOffset At) : DiskEvent;

    public sealed record StepRepeated(DateTimeOffset At) : DiskEvent;

    public sealed record MoveDone(DateTimeOffset At) : DiskEvent
    {
        /// <summary>The start that ended it; null: it came to its end.</summary>
        public JobId? By { get; init; }
    }

    public sealed record MoveFailed(string Reason, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The start that ended it.</summary>
        public JobId? By { get; init; }
    }

    public sealed record GrowthRequested(Origin Origin, long Size, HostId Host) : DiskEvent;

    /// <param name="Guest">Who has the image open; null: nobody.</param>
    public sealed record GrowthBegun(GuestCopy? Guest, DateTimeOffset At) : DiskEvent;

    /// <summary>Its VM is started: it is asked again who has it.</summary>
    public sealed record GrowthHeldUp(JobId By, DateTimeOffset At) : DiskEvent;

    public sealed record Grown(DateTimeOffset At) : DiskEvent;

    public sealed record GrowthFailed(string Reason, DateTimeOffset At) : DiskEvent;

    /// <summary>Its image is to be written anew.</summary>
    public sealed record RewriteRequested(
        Origin Origin, RewriteKind What, string Path, HostId Host, string Format, bool Sparse) : DiskEvent;

    /// <summary>No guest has the image open.</summary>
    public sealed record RewriteBegun(DateTimeOffset At) : DiskEvent;

    /// <summary>The new image is the disk's.</summary>
    public sealed record Rewritten(DateTimeOffset At) : DiskEvent
    {
        /// <summary>Bytes that it takes on its storage; null: the host did not say.</summary>
        public long? ActualSize { get; init; }
    }

    /// <summary>The disk is as it was.</summary>
    public sealed record RewriteFailed(string Reason, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The start that ended it.</summary>
        public JobId? By { get; init; }
    }

    /// <summary>Another disk is made from it.</summary>
    public sealed record ReadingBegun(Origin Origin, DiskId Copy, Guid? Snapshot) : DiskEvent;

    public sealed record ReadingEnded(DiskId Copy, DateTimeOffset At) : DiskEvent;

    public sealed record TransferRequested(Origin Origin, ImageTransfer Transfer) : DiskEvent;

    /// <summary>No guest has the image open.</summary>
    public sealed record TransferAllowed(DateTimeOffset At) : DiskEvent;

    /// <summary>Its host lets the client in.</summary>
    public sealed record TransferOpened(DateTimeOffset At) : DiskEvent;

    /// <param name="ActiveAt">When the client was last known to do anything.</param>
    public sealed record TransferProgressed(long Transferred, DateTimeOffset ActiveAt, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The user's order that it follows from.</summary>
        public JobId? By { get; init; }
    }

    /// <param name="Step">By whom.</param>
    public sealed record TransferPaused(TransferStep Step, string Why, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The user's order that it follows from.</summary>
        public JobId? By { get; init; }
    }

    /// <param name="Host">Carries it from here on.</param>
    public sealed record TransferResumed(Origin Origin, HostId Host) : DiskEvent;

    /// <summary>Its host is to shut the client out, for good.</summary>
    public sealed record TransferClosing(TransferStep Step, TransferEnd End, string Why, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The user's order that it follows from.</summary>
        public JobId? By { get; init; }
    }

    public sealed record TransferEnded(TransferEnd End, string Why, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The user's order that it follows from.</summary>
        public JobId? By { get; init; }
    }

    /// <summary>Its VM takes a snapshot, or looks at one.</summary>
    /// <param name="On">The image that the new one rests on.</param>
    public sealed record LayerRequested(Origin Origin, VmId Vm, Guid Snapshot, HostId Host, Layer On, string Path, bool Preview) : DiskEvent;

    public sealed record LayerMade(DateTimeOffset At) : DiskEvent;

    /// <summary>It stays with the new image.</summary>
    public sealed record LayerKept(DateTimeOffset At) : DiskEvent
    {
        /// <summary>The start that decided it; null: its VM did.</summary>
        public JobId? By { get; init; }
    }

    /// <summary>It stays with the image that it had.</summary>
    public sealed record LayerDropped(string Reason, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The start that decided it.</summary>
        public JobId? By { get; init; }
    }

    /// <summary>The look at a snapshot is over.</summary>
    /// <param name="Kept">What was seen is the disk's from now on.</param>
    public sealed record PreviewEnded(bool Kept, DateTimeOffset At) : DiskEvent;

    /// <summary>A snapshot's state is needed no more.</summary>
    public sealed record MergeRequested(Origin Origin, VmId Vm, Guid Snapshot, HostId Host) : DiskEvent;

    /// <param name="Guest">Who has the image open; null: nobody.</param>
    public sealed record MergeBegun(GuestCopy? Guest, DateTimeOffset At) : DiskEvent;

    /// <summary>Its VM is started: it is asked again who has it.</summary>
    public sealed record MergeHeldUp(JobId By, DateTimeOffset At) : DiskEvent;

    /// <summary>All of this image is in the one it rested on.</summary>
    public sealed record LayerMerged(string Path, DateTimeOffset At) : DiskEvent;

    public sealed record MergeDone(DateTimeOffset At) : DiskEvent;

    public sealed record MergeFailed(string Reason, DateTimeOffset At) : DiskEvent;

    public sealed record LeftoverDeleted(string Path, DateTimeOffset At) : DiskEvent;
}
