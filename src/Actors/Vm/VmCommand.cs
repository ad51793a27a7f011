using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;

namespace Orchestrator.Actors.Vm;

/// <summary>What may be asked of a VM, and what may be reported to it.</summary>
public abstract record VmCommand : Traced
{
    private VmCommand()
    {
    }

    // from users
    public sealed record Create(Origin Origin, VmConfig Config) : VmCommand;

    public sealed record Update(Origin Origin, VmPatch Patch) : VmCommand
    {
        /// <summary>A guest that runs keeps what it has until its next start.</summary>
        public bool NextRun { get; init; }
    }

    public sealed record Remove(Origin Origin) : VmCommand;

    public sealed record Start(Origin Origin) : VmCommand
    {
        /// <summary>Other settings for this run, or null.</summary>
        public RunOnce? Once { get; init; }

        /// <summary>Disks of it that are locked or illegal; empty: none was seen to be.</summary>
        public string NotReady { get; init; } = "";
    }

    /// <summary>Another CD for the guest that runs; its definition keeps its own.</summary>
    /// <param name="Disk">Null: none.</param>
    public sealed record ChangeCd(Origin Origin, DiskId? Disk) : VmCommand;

    /// <summary>A user looks at it, or is to be let: for the audit log. Refused where no guest can be looked at.</summary>
    /// <param name="Console">vnc or serial.</param>
    public sealed record NoteConsole(Origin Origin, ConsoleStep Step, string Console, string Detail) : VmCommand;

    /// <summary>Power off at once.</summary>
    public sealed record Stop(Origin Origin) : VmCommand;

    /// <summary>Ask the guest's operating system to end.</summary>
    public sealed record Shutdown(Origin Origin) : VmCommand;

    /// <summary>Ask the guest's operating system to start anew.</summary>
    public sealed record Reboot(Origin Origin) : VmCommand;

    /// <summary>Start the machine anew at once, as its reset button would.</summary>
    public sealed record Reset(Origin Origin) : VmCommand;

    /// <summary>Save the guest's memory to storage and end it; a start goes on from there.</summary>
    /// <param name="Path">File for the memory, absolute, on storage that every host of the cluster has; empty when none has
    /// room for it.</param>
    public sealed record Suspend(Origin Origin, string Path) : VmCommand;

    /// <param name="Host">Wanted destination, or null: the cluster chooses.</param>
    /// <param name="Force">Also a VM that only users may migrate.</param>
    public sealed record Migrate(Origin Origin, HostId? Host, bool Force) : VmCommand;

    public sealed record CancelMigration(Origin Origin) : VmCommand;

    public sealed record AttachDisk(Origin Origin, DiskAttachment Disk) : VmCommand;

    public sealed record UpdateDisk(Origin Origin, DiskAttachment Disk) : VmCommand;

    public sealed record DetachDisk(Origin Origin, DiskId Disk) : VmCommand;

    public sealed record AddNic(Origin Origin, Nic Nic) : VmCommand;

    public sealed record UpdateNic(Origin Origin, Nic Nic) : VmCommand;

    public sealed record RemoveNic(Origin Origin, Guid Nic) : VmCommand;

    /// <param name="Disks">Those of which it is to have an image.</param>
    public sealed record TakeSnapshot(Origin Origin, string Description, ImmutableArray<SnapshotDisk> Disks) : VmCommand;

    /// <param name="Host">One that reaches the VM's storage domains.</param>
    public sealed record RemoveSnapshot(Origin Origin, Guid Snapshot, HostId Host) : VmCommand;

    /// <summary>Let it be as it was then, until somebody decides.</summary>
    /// <param name="Disks">A new image for each; those that the snapshot has no image of stay as they are.</param>
    public sealed record PreviewSnapshot(Origin Origin, Guid Snapshot, ImmutableArray<SnapshotDisk> Disks) : VmCommand
    {
        /// <summary>It is to stay so, and nobody is asked.</summary>
        public bool Restores { get; init; }
    }

    /// <summary>Back to what it was before the look.</summary>
    public sealed record UndoSnapshot(Origin Origin) : VmCommand;

    /// <summary>It stays as it was at the snapshot; what was taken after that is given up.</summary>
    public sealed record CommitSnapshot(Origin Origin) : VmCommand;

    // from disks
    /// <summary>How the work on a disk's images stands.</summary>
    public sealed record ReportLayer(DiskId Disk, Guid Work, LayerNews News, string Why, DateTimeOffset At) : VmCommand, IReport;

    /// <summary>May its image be worked on? While a guest has it open, the guest stays where it is until it is given back.</summary>
    public sealed record LendDisk(DiskId Disk, Guid Work, DateTimeOffset At) : VmCommand, IReport;

    public sealed record ReturnDisk(Guid Work, DateTimeOffset At) : VmCommand, IReport;

    // from its shell and its hands, after the database was restored from a backup
    public sealed record TakeUpRestored(long Restoration, DateTimeOffset At) : VmCommand, IReport;

    /// <summary>Every host has told what it has since that restoration, or is proved dead.</summary>
    public sealed record ReportNowhere(long Restoration, DateTimeOffset At) : VmCommand, IReport;

    /// <param name="Hosts">Names of those that have not.</param>
    public sealed record ReportUnheard(long Restoration, ImmutableArray<string> Hosts, DateTimeOffset At) : VmCommand, IReport;

    // from the cluster
    public sealed record OfferHost(HostId Host, string HostName, long Incarnation, Lease AskedAt, DateTimeOffset At)
        : VmCommand
    {
        /// <summary>Of a migration: how it is done.</summary>
        public MigrationTerms? Terms { get; init; }
    }

    /// <param name="Reasons">Why each host was out, for the operator.</param>
    public sealed record RefusePlacement(Lease AskedAt, ImmutableArray<string> Reasons, DateTimeOffset At) : VmCommand;

    // from hosts
    /// <summary>A guest's state as its host sees it. What it means follows from the lease it carries.</summary>
    public sealed record ReportGuest(
        HostId Host, string HostName, long Incarnation, Lease Lease, GuestState State, VmExit Exit, string? Message,
        MigrationFigures? Migration, DateTimeOffset At) : VmCommand, IReport
    {
        /// <summary>The destination's lease of the migration that is spoken of; null when the agent does not say.</summary>
        public Lease? Move { get; init; }

        /// <summary>Of a migration under way.</summary>
        public MigrationProgress? Progress { get; init; }

        /// <summary>Of a migration that failed: it would fail anywhere.</summary>
        public bool Hopeless { get; init; }

        /// <summary>The last time its watchdog barked; null while it has not.</summary>
        public WatchdogBark? Watchdog { get; init; }

        /// <summary>The last order to save its memory that came to the agent.</summary>
        public JobId? Save { get; init; }

        /// <summary>Why that was not done: the guest runs on; null while it is under way.</summary>
        public string? SaveError { get; init; }

        /// <summary>The last change of its machine that came to the agent; null: none, or the agent knows none.</summary>
        public long? Reshape { get; init; }

        /// <summary>It is done.</summary>
        public bool Reshaped { get; init; }

        /// <summary>Why it was not done, or not all of it; null while it is under way.</summary>
        public string? ReshapeError { get; init; }

        /// <summary>Ids of its disks and addresses of its NICs; null: not known.</summary>
        public ImmutableArray<string>? Devices { get; init; }

        /// <summary>0: not known.</summary>
        public int VCpus { get; init; }

        /// <summary>Bytes; 0: not known.</summary>
        public long Memory { get; init; }

        /// <summary>It was to go on from its memory, which is not there any more: a start that ended has used it.</summary>
        public bool MemoryGone { get; init; }
    }

    /// <summary>The host has no guest of this VM under this lease any more. A word without a lease would be one of any time
    /// at all: it may arrive when a later copy runs there.</summary>
    public sealed record ReportMissing(HostId Host, Lease Lease, DateTimeOffset At) : VmCommand, IReport;

    /// <summary>The host did not take the order; the guest was certainly not started under this lease.</summary>
    public sealed record RefuseLaunch(HostId Host, Lease Lease, string Reason, DateTimeOffset At) : VmCommand;

    /// <summary>The destination, or the source, did not take the order to migrate.</summary>
    public sealed record RefuseMigration(Lease DestinationLease, string Reason, DateTimeOffset At) : VmCommand;

    public sealed record ReportIncomingReady(HostId Host, Lease Lease, DateTimeOffset At) : VmCommand;

    /// <summary>The agent has taken the order and carries it out.</summary>
    public sealed record ReportActionTaken(JobId Action, DateTimeOffset At) : VmCommand;

    /// <summary>The agent will not carry it out, whenever it is asked.</summary>
    public sealed record RefuseAction(JobId Action, string Reason, DateTimeOffset At) : VmCommand;

    /// <summary>The host will not change the machine, and nothing of that order was done.</summary>
    public sealed record RefuseReshape(long Number, string Reason, DateTimeOffset At) : VmCommand;

    /// <summary>A host has deleted a file of memory, or found none.</summary>
    public sealed record ReportMemoryDeleted(string Path, DateTimeOffset At) : VmCommand;

    /// <summary>Its guest's host has switched it to the new images, or will not.</summary>
    /// <param name="Message">Why not; of one that is done, what the operator must know.</param>
    public sealed record ReportSnapshotTaken(Guid Work, bool Ok, string Message, DateTimeOffset At) : VmCommand, IReport
    {
        /// <summary>What became of it is not known.</summary>
        public bool Lost { get; init; }
    }

    public sealed record LoseHost(HostId Host, long Incarnation, DateTimeOffset At) : VmCommand;

    /// <summary>All guests of that host's lives below <paramref name="Incarnation"/> are dead: proved.</summary>
    public sealed record ConfirmFence(HostId Host, long Incarnation, DateTimeOffset At) : VmCommand
    {
        /// <summary>Proved by the host's lease alone: only the storage's lock on a disk keeps a second copy from starting
        /// beside a first that has outlived its host's lease.</summary>
        public bool OnStorageAlone { get; init; }
    }
}

public enum GuestState
{
    WaitForLaunch,
    PoweringUp,
    Up,
    Paused,
    PoweringDown,
    MigratingOut,
    Incoming,
    Down,

    /// <summary>Runs on here: the migration did not come to be.</summary>
    MigrationFailed,

    /// <summary>Ended here because it now runs at the other end of a migration.</summary>
    HandedOver,

    /// <summary>Ended here after its memory was written to storage.</summary>
    Saved,
}

/// <summary>How far a migration is.</summary>
/// <param name="Percent">0 to 99; it never falls.</param>
/// <param name="RemainingBytes">Left of this pass over the memory.</param>
/// <param name="BytesPerSecond">0: not known.</param>
/// <param name="Iteration">Passes over the memory, from 1; 0: not known.</param>
/// <param name="PostCopy">The guest runs at the destination already.</param>
public sealed record MigrationProgress(
    int Percent, long RemainingBytes, long BytesPerSecond, long Iteration, long ElapsedMs, bool PostCopy)
{
    /// <summary>Time until what is left is copied, if the guest wrote nothing meanwhile; null when it is not known.</summary>
    public TimeSpan? Left => BytesPerSecond > 0 ? TimeSpan.FromSeconds((double)RemainingBytes / BytesPerSecond) : null;
}

/// <param name="Id">Which time: it is said again with every report.</param>
/// <param name="Action">What the device did: none, reset, poweroff, pause, dump.</param>
public sealed record WatchdogBark(Guid Id, string Action);

/// <summary>libvirt's own figures of a finished migration, in milliseconds.</summary>
public sealed record MigrationFigures(long TotalMs, long DowntimeMs);
