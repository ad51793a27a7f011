using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Actors.Vm;

/// <summary>
/// What a VM is. Each phase carries only what is true in it.
/// <list type="number">
/// <item>At most one seat may hold a running copy, except between the two ends of a live migration.</item>
/// <item><see cref="VmCore.Lease"/> is the highest lease ever given and never falls.</item>
/// <item>A phase with a seat is left for another host only after proof that the old copy is dead.</item>
/// </list>
/// </summary>
public abstract record VmState(VmCore Core)
{
    /// <summary>Nothing is known of this id.</summary>
    public sealed record Absent(VmCore Core) : VmState(Core);

    public sealed record Down(VmCore Core, VmExit Exit) : VmState(Core);

    /// <summary>Waits for the cluster to offer a host.</summary>
    public sealed record Placing(VmCore Core, StartCause Cause, ImmutableArray<HostId> Tried) : VmState(Core)
    {
        /// <summary>What each host lacks, as it was told once; empty while that is not known.</summary>
        public string Lacks { get; init; } = "";
    }

    /// <summary>Has a seat; the guest is not yet known to run.</summary>
    public sealed record Starting(VmCore Core, Seat Seat, StartCause Cause, ImmutableArray<HostId> Tried)
        : VmState(Core);

    /// <summary>The hypervisor runs the guest; its operating system is not yet known to be up.</summary>
    public sealed record PoweringUp(VmCore Core, Seat Seat) : VmState(Core);

    public sealed record Up(VmCore Core, Seat Seat) : VmState(Core);

    public sealed record Paused(VmCore Core, Seat Seat, string Reason) : VmState(Core);

    /// <summary>Its host writes the memory to storage; the guest ends when all of it is there, or runs on.</summary>
    public sealed record Suspending(VmCore Core, Seat Seat) : VmState(Core);

    /// <summary>Runs nowhere; <see cref="VmCore.Memory"/> is on storage, and a start goes on from it.</summary>
    public sealed record Suspended(VmCore Core) : VmState(Core);

    /// <summary>Asked to end. <see cref="Also"/> is the other end of a migration that was under way.</summary>
    public sealed record Stopping(VmCore Core, Seat Seat, StopMode Mode, Seat? Also) : VmState(Core)
    {
        /// <summary>A reboot that needs another machine: it is started again when it has ended.</summary>
        public bool Again { get; init; }
    }

    /// <summary>Runs on, and waits for the cluster to offer a destination.</summary>
    public sealed record MigrationPlacing(VmCore Core, Seat Seat, HostId? Wanted) : VmState(Core)
    {
        /// <summary>Destinations that did not take it.</summary>
        public ImmutableArray<HostId> Tried { get; init; } = [];

        /// <summary>Why the last of them did not; empty when none was tried.</summary>
        public string Failed { get; init; } = "";
    }

    /// <summary>On its way. A side that is lost is marked; the other one decides.</summary>
    public sealed record Migrating(VmCore Core, Seat From, Seat To, MigrationEnds Lost) : VmState(Core)
    {
        /// <summary>The source said that it moves: only now can its word of a failure be about this migration.</summary>
        public bool Begun { get; init; }

        /// <summary>A user has cancelled it; the source has not said yet what became of it.</summary>
        public bool Cancelled { get; init; }

        /// <summary>How it is done; null: by an engine of 0.1.0, as the agent does it by itself.</summary>
        public MigrationTerms? Terms { get; init; }

        /// <summary>The destination that a user asked for.</summary>
        public HostId? Wanted { get; init; }

        /// <summary>Destinations that did not take it before this one.</summary>
        public ImmutableArray<HostId> Tried { get; init; } = [];

        /// <summary>As the source said last; never journaled.</summary>
        public MigrationProgress? Progress { get; init; }
    }

    /// <summary>Its host is silent: the guest may still run there. Nothing may start until that is excluded.</summary>
    public sealed record Orphaned(VmCore Core, Seat Seat, OrphanPlan Plan) : VmState(Core);

    /// <summary>The database was restored from a backup: it may run on any host, under any lease that was given since. It is
    /// started by nobody before it is found, or every host has told what it has.</summary>
    /// <param name="Known">Where it may run as far as the backup knows.</param>
    /// <param name="Exit">Why it is down when it is found nowhere, and stays down.</param>
    public sealed record Sought(VmCore Core, ImmutableArray<Seat> Known, SoughtPlan Then, VmExit Exit) : VmState(Core)
    {
        /// <summary>It is to end as soon as it is found.</summary>
        public StopWish? Stop { get; init; }

        /// <summary>Names of the hosts that are waited for, as it was told once.</summary>
        public ImmutableArray<string> Unheard { get; init; } = [];
    }

    /// <summary>Removed. The id is never used again.</summary>
    public sealed record Gone(VmCore Core) : VmState(Core);
}

/// <summary>What is true of a VM in every phase.</summary>
public sealed record VmCore(VmId Id)
{
    public VmConfig? Config { get; init; }

    /// <summary>The definition with which the present guest was started; null when none runs.</summary>
    public VmConfig? Running { get; init; }

    /// <summary>Highest lease ever given.</summary>
    public Lease Lease { get; init; }

    /// <summary>The last restoration of the database that it has lived through; 0: none.</summary>
    public long Restoration { get; init; }

    /// <summary>No lease that was given before the restoration is above this one.</summary>
    public Lease Floor() => Lease.Floor(Restoration);

    /// <summary>The next lease to be given.</summary>
    public Lease NextLease() => Lease > Floor() ? Lease.Next : Floor().Next;

    /// <summary>Of a VM that the engine does not know: where a guest of it runs.</summary>
    public Seat? Foreign { get; init; }

    /// <summary>
    /// Destination of the last migration that was given up: an order still on its way may yet bring the guest there. When
    /// the seat's copy is found dead or gone, this place is asked before anything starts elsewhere.
    /// </summary>
    public Seat? Elsewhere { get; init; }

    /// <summary>Destinations of migrations given up before that one, the newest first: asked after it.</summary>
    public ImmutableArray<Seat> Further { get; init; } = [];

    /// <summary>All places where a migration that was given up may yet bring the guest.</summary>
    public ImmutableArray<Seat> Others() => Elsewhere is { } last ? [last, .. Further] : [];

    public VmCore MayBeAt(Seat other) => this with { Elsewhere = other, Further = Others() };

    /// <summary>The first of <see cref="Others"/> is the seat now.</summary>
    public VmCore WithoutFirst() => this with { Elsewhere = Further.FirstOrDefault(), Further = Further.IsEmpty ? [] : Further[1..] };

    /// <summary>The guest is certainly not at any of <see cref="Others"/>, and will not be.</summary>
    public VmCore NowhereElse() => this with { Elsewhere = null, Further = [] };

    /// <summary>Where its memory is written (suspending), is (suspended) or is read (placing, starting); null in every phase
    /// in which the guest has run on since, because it would then bring back a past that its disks no longer have.</summary>
    public SavedMemory? Memory { get; init; }

    /// <summary>The last bark of its watchdog that was heard.</summary>
    public Guid? Barked { get; init; }

    /// <summary>Files of memory that nothing will be started from any more: they are to be deleted.</summary>
    public ImmutableArray<string> Leftovers { get; init; } = [];

    /// <summary>What differs from the definition in this run only; null otherwise, and whenever HA brings the VM back.</summary>
    public RunOnce? Once { get; init; }

    /// <summary>The definition with which the next guest is started.</summary>
    public VmConfig? ToRun => Memory?.Definition ?? (Wanted is { Initialization: { Given: false } told } wanted && (StartedAt is null || wanted.Stateless)
        ? wanted with { Initialization = told with { Given = true } }
        : Wanted);

    /// <summary>The definition that the present run would have, were it begun now.</summary>
    public VmConfig? Wanted => Config is { } config ? Once?.Patch.Apply(config) ?? config : null;

    /// <summary>What of the definition waits for the next start: the running guest has an older one.</summary>
    public bool HasNextRun => Running is { } running && Wanted is { } wanted
        && (Reshape is { Definition: { } machine }
            ? !(machine.Taking(wanted) with { Disks = wanted.Disks, Nics = wanted.Nics, Cdrom = wanted.Cdrom }).Says(wanted)
            : !(running.Taking(wanted) with { Cdrom = wanted.Cdrom }).Says(wanted));

    /// <summary>Nothing will be started from its memory any more.</summary>
    public VmCore WithoutMemory() =>
        Memory is { } memory ? this with { Memory = null, Leftovers = Leftovers.Add(memory.Path) } : this;

    /// <summary>What a user asked of the running guest and its host has not taken yet.</summary>
    public PendingAction? Action { get; init; }

    /// <summary>The machine that the guest is being given while it runs; <see cref="Running"/> is the one before it.</summary>
    public PendingReshape? Reshape { get; init; }

    /// <summary>The highest number of a change of the machine ever given; 0: none.</summary>
    public long Reshapes { get; init; }

    /// <summary>Why the last change of the machine failed; null when it did not.</summary>
    public ReshapeFault? ReshapeFault { get; init; }

    /// <summary>Disks whose images are worked on while the guest has them open: it stays where it is.</summary>
    public ImmutableArray<LentDisk> Lent { get; init; } = [];

    /// <summary>The oldest first.</summary>
    public ImmutableArray<VmSnapshot> Snapshots { get; init; } = [];

    /// <summary>Work on its snapshots that is under way.</summary>
    public SnapshotTask? Snapshotting { get; init; }

    /// <summary>The snapshot that is looked at; null: none.</summary>
    public VmPreview? Preview { get; init; }

    /// <summary>Work under way that a user follows.</summary>
    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    /// <summary>Restarts in a row that came to nothing: no host launched it, or it ended before it was up. The pause before
    /// the next grows with it.</summary>
    public int FailedRestarts { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? StoppedAt { get; init; }
}

/// <summary>A place on a host, given under a lease.</summary>
/// <param name="Incarnation">Which life of the host; it rises with each proof that all its guests are dead.</param>
public sealed record Seat(HostId Host, string HostName, long Incarnation, Lease Lease);

/// <param name="Work">For which the disk has asked.</param>
public sealed record LentDisk(DiskId Disk, Guid Work);

/// <summary>A start with other settings, for that run alone.</summary>
/// <param name="Host">The host that it must be, or null.</param>
public sealed record RunOnce(VmPatch Patch, HostId? Host);

/// <summary>A guest's memory on storage.</summary>
/// <param name="Id">The job that asked for it: the host saves once, however often it is said.</param>
/// <param name="Path">Absolute path of the file on every host; each suspension has one of its own.</param>
/// <param name="Definition">What the guest was started with: its memory fits no other.</param>
public sealed record SavedMemory(JobId Id, string Path, VmConfig Definition);

/// <summary>What can be asked of a guest that stays where it is.</summary>
public enum GuestAction { Reboot, Reset, Resume }

/// <param name="Id">The job that asked: the host takes it once, however often it is said.</param>
public sealed record PendingAction(JobId Id, GuestAction What);

/// <summary>A change of the machine of a guest that runs.</summary>
/// <param name="Number">Its host takes no lower one after it.</param>
/// <param name="Definition">The whole machine that the guest is to have.</param>
public sealed record PendingReshape(long Number, JobId Job, VmConfig Definition);

public sealed record ReshapeFault(JobId Job, string Reason);

public enum StartCause { User, HighAvailability }

public enum StopMode { PowerOff, Shutdown }

[Flags]
public enum MigrationEnds { None = 0, Source = 1, Destination = 2 }

/// <summary>What becomes of an orphan once its old copy is known dead.</summary>
public enum OrphanPlan { Restart, StayDown }

/// <summary>What becomes of a sought VM when it is found nowhere. Start: a user has asked for it meanwhile.</summary>
public enum SoughtPlan { StayDown, StaySuspended, Restart, Start }

/// <param name="Of">The copy that is meant; null: whichever is found.</param>
public sealed record StopWish(StopMode Mode, Lease? Of);

/// <param name="Kind">Why it is down.</param>
/// <param name="Message">For the operator; may be empty.</param>
public sealed record VmExit(VmExitKind Kind, string Message)
{
    public static VmExit Never { get; } = new(VmExitKind.None, "");
}

public enum VmExitKind { None, Normal, Error }
