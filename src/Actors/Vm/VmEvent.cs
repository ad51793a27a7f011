using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Actors.Vm;

/// <summary>What happened to a VM: the journal's vocabulary. Names on the wire are in Journal/WireNames.cs.</summary>
public abstract record VmEvent
{
    private VmEvent()
    {
    }

    public sealed record Created(Origin Origin, VmConfig Config) : VmEvent
    {
        /// <summary>The restoration of the database before it was created; null: none.</summary>
        public long? Restoration { get; init; }
    }

    /// <param name="What">For the audit log: what was changed, in words.</param>
    public sealed record Redefined(Origin Origin, string What, VmConfig Config) : VmEvent;

    public sealed record Removed(Origin Origin) : VmEvent;

    public sealed record StartRequested(Origin Origin) : VmEvent
    {
        public RunOnce? Once { get; init; }
    }

    /// <summary>A reboot by which the guest gets what waits for its next start: it ends, and is started again.</summary>
    public sealed record ColdRebootRequested(Origin Origin) : VmEvent;

    /// <summary>It has ended for a reboot and is to run again.</summary>
    public sealed record StartedAgain(DateTimeOffset At) : VmEvent;

    /// <summary>It ended by itself or with its host and is to run again: HA.</summary>
    public sealed record RestartQueued(string Reason, DateTimeOffset At) : VmEvent;

    public sealed record Placed(Seat Seat, DateTimeOffset At) : VmEvent;

    public sealed record PlacementFailed(ImmutableArray<string> Reasons, DateTimeOffset At) : VmEvent;

    /// <summary>No host can take it for now; it goes on asking.</summary>
    public sealed record RestartDelayed(ImmutableArray<string> Reasons, DateTimeOffset At) : VmEvent;

    /// <summary>This host did not start it; another one is looked for.</summary>
    public sealed record LaunchFailed(Seat Seat, string Reason, DateTimeOffset At) : VmEvent;

    /// <summary>The hypervisor runs the guest.</summary>
    public sealed record Launched(Seat Seat, DateTimeOffset At) : VmEvent;

    public sealed record CameUp(Seat Seat, DateTimeOffset At) : VmEvent;

    public sealed record GuestPaused(string Reason, DateTimeOffset At) : VmEvent;

    /// <summary>The guest does not feed its watchdog any more.</summary>
    public sealed record WatchdogBarked(WatchdogBark Bark, DateTimeOffset At) : VmEvent;

    public sealed record StopRequested(Origin Origin, StopMode Mode) : VmEvent;

    public sealed record ActionRequested(Origin Origin, GuestAction What) : VmEvent;

    /// <summary>Its host carries out what was asked.</summary>
    public sealed record ActionTaken(DateTimeOffset At) : VmEvent;

    public sealed record ActionFailed(string Reason, DateTimeOffset At) : VmEvent;

    /// <summary>The guest is to have another machine while it runs.</summary>
    /// <param name="Number">Higher than any before it.</param>
    /// <param name="Definition">The machine.</param>
    public sealed record ReshapeRequested(Origin Origin, long Number, VmConfig Definition) : VmEvent;

    /// <summary>It has that machine.</summary>
    public sealed record Reshaped(long Number, DateTimeOffset At) : VmEvent;

    /// <param name="Definition">The machine that it has after all.</param>
    public sealed record ReshapeFailed(long Number, string Reason, VmConfig Definition, DateTimeOffset At) : VmEvent;

    /// <summary>Disks or NICs have left the guest after that was given up, or by themselves.</summary>
    /// <param name="Definition">The machine that it has now.</param>
    public sealed record DevicesLeft(VmConfig Definition, DateTimeOffset At) : VmEvent;

    /// <summary>A user was let look at it, or did, or does no more.</summary>
    public sealed record ConsoleUsed(Origin Origin, ConsoleStep Step, string Console, string Detail) : VmEvent;

    public sealed record SuspendRequested(Origin Origin, string Path) : VmEvent;

    /// <summary>Its memory is on storage, all of it, and it runs nowhere.</summary>
    public sealed record Suspended(DateTimeOffset At) : VmEvent;

    /// <summary>Its memory could not be saved; it runs on.</summary>
    public sealed record SuspendFailed(string Reason, DateTimeOffset At) : VmEvent;

    /// <summary>No host could go on from its memory, which is still there.</summary>
    public sealed record ResumeFailed(string Reason, DateTimeOffset At) : VmEvent;

    /// <summary>A user gave its memory up: the next start boots.</summary>
    public sealed record MemoryDiscarded(Origin Origin) : VmEvent;

    public sealed record MemoryDeleted(string Path, DateTimeOffset At) : VmEvent;

    /// <param name="Snapshot">Of one that is taken, its id.</param>
    /// <param name="Disks">Those whose images are worked on.</param>
    public sealed record SnapshotRequested(
        Origin Origin, SnapshotOrder What, Guid Snapshot, string Description, ImmutableArray<SnapshotDisk> Disks) : VmEvent
    {
        /// <summary>What is seen stays.</summary>
        public bool Restores { get; init; }
    }

    /// <summary>This disk has taken the step.</summary>
    public sealed record SnapshotDiskDone(DiskId Disk, DateTimeOffset At) : VmEvent;

    /// <summary>The guest writes the new images, all since one moment; or none runs.</summary>
    /// <param name="Warning">What the operator must know of it; may be empty.</param>
    public sealed record SnapshotSwitched(string Warning, DateTimeOffset At) : VmEvent;

    public sealed record SnapshotStepRepeated(DateTimeOffset At) : VmEvent;

    /// <summary>Of one that comes to nothing: this disk stays with its new image all the same.</summary>
    public sealed record SnapshotLayerStays(DiskId Disk, DateTimeOffset At) : VmEvent;

    /// <summary>It comes to nothing; disks go back to what they had.</summary>
    public sealed record SnapshotFailed(string Reason, DateTimeOffset At) : VmEvent;

    public sealed record SnapshotDone(DateTimeOffset At) : VmEvent;

    public sealed record DiskLent(DiskId Disk, Guid Work, DateTimeOffset At) : VmEvent;

    public sealed record DiskReturned(Guid Work, DateTimeOffset At) : VmEvent;

    public sealed record WentDown(VmExit Exit, DateTimeOffset At) : VmEvent;

    public sealed record MigrationRequested(Origin Origin, HostId? Wanted) : VmEvent;

    public sealed record MigrationPlaced(Seat To, DateTimeOffset At) : VmEvent
    {
        public MigrationTerms? Terms { get; init; }
    }

    /// <summary>The source moves the guest now.</summary>
    public sealed record MigrationBegun(DateTimeOffset At) : VmEvent;

    /// <summary>A user wants it to stay where it is. The source's word decides whether that came in time.</summary>
    public sealed record MigrationCancelRequested(Origin Origin) : VmEvent;

    /// <summary>This destination did not take it; another one is looked for.</summary>
    public sealed record MigrationFailed(string Reason, DateTimeOffset At) : VmEvent;

    /// <summary>How far it is, as the source says.</summary>
    public sealed record MigrationAdvanced(MigrationProgress Progress) : VmEvent, IUnrecorded;

    public sealed record MigrationAbandoned(string Reason, DateTimeOffset At) : VmEvent
    {
        /// <summary>The job that asked for it; null when it failed by itself.</summary>
        public JobId? By { get; init; }
    }

    public sealed record MigrationDone(MigrationFigures? Figures, DateTimeOffset At) : VmEvent;

    /// <summary>One end of a migration is silent; the other one decides.</summary>
    public sealed record MigrationEndLost(MigrationEnds End, DateTimeOffset At) : VmEvent;

    /// <summary>Its host is silent. Whether the guest runs is unknown until the host is fenced or heard again.</summary>
    public sealed record HostLost(OrphanPlan Plan, DateTimeOffset At) : VmEvent;

    /// <summary>The host was heard again and has the guest still.</summary>
    public sealed record Regained(Seat Seat, DateTimeOffset At) : VmEvent;

    /// <summary>The database was restored from a backup: where it runs is not known.</summary>
    public sealed record BackupRestored(long Restoration, DateTimeOffset At) : VmEvent;

    /// <summary>The same, of a VM that is not known: nothing of it is journaled.</summary>
    public sealed record RestorationSeen(long Restoration) : VmEvent, IUnrecorded;

    /// <summary>While it is sought: a guest is here that may be on its way, to this place or from it.</summary>
    public sealed record MayArrive(Seat Seat, DateTimeOffset At) : VmEvent;

    /// <summary>It cannot be started yet: these hosts may have it, and have not been heard.</summary>
    public sealed record SearchDelayed(ImmutableArray<string> Hosts, DateTimeOffset At) : VmEvent;

    /// <summary>Every host has told what it has, or is dead, and nobody has it.</summary>
    public sealed record FoundNowhere(DateTimeOffset At) : VmEvent;

    /// <summary>A guest runs whose VM the restored database does not know. It is left alone.</summary>
    public sealed record ForeignGuestSeen(Seat Seat, long Restoration, DateTimeOffset At) : VmEvent;

    /// <summary>The old copy is dead: proved. Where a migration may have brought the guest is asked next.</summary>
    public sealed record HostFenced(OrphanPlan Plan, DateTimeOffset At) : VmEvent;
}
