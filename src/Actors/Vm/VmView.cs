using System.Collections.Immutable;

namespace Orchestrator.Actors.Vm;

/// <summary>A VM as lists, searches and clients see it: the read model's document.</summary>
public sealed record VmView
{
    public required VmId Id { get; init; }

    public required VmConfig Config { get; init; }

    /// <summary>oVirt's status, lower case: down, wait_for_launch, powering_up, up, migrating, unknown …</summary>
    public required string Status { get; init; }

    public string StatusDetail { get; init; } = "";

    /// <summary>What was asked and is stable: down, up, suspended, removed.</summary>
    public required string VmState { get; init; }

    /// <summary>What is under way, or empty: placing, starting, restoring, saving, stopping, migrating, waiting_for_fence.</summary>
    public string TaskState { get; init; } = "";

    /// <summary>What the hypervisor last said: off, starting, running, paused, unknown.</summary>
    public required string PowerState { get; init; }

    public HostId? Host { get; init; }

    /// <summary>Destination of a migration under way.</summary>
    public HostId? Destination { get; init; }

    /// <summary>How far the migration is, as the engine's memory has it: not in lists, which show the journal's last word.</summary>
    public MigrationProgress? Migration { get; init; }

    public long Lease { get; init; }

    /// <summary>The lease of the copy that <see cref="Host"/> was heard to have; 0 while it was not heard to have one.</summary>
    public long HeldLease { get; init; }

    public string StopReason { get; init; } = "";

    /// <summary>With what it runs, where that is not <see cref="Config"/>.</summary>
    public VmConfig? Running { get; init; }

    /// <summary>What is in the CD drive of its guest; null: nothing, or no guest runs.</summary>
    public DiskId? Cdrom { get; init; }

    /// <summary>It was started with other settings, for this run alone.</summary>
    public bool RunOnce { get; init; }

    /// <summary>The guest runs with an older definition than the one stored.</summary>
    public bool NextRunExists { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? StoppedAt { get; init; }

    public JobId? Job { get; init; }

    /// <summary>The oldest first.</summary>
    public ImmutableArray<VmSnapshotView> Snapshots { get; init; } = [];

    /// <summary>The job that works on them just now.</summary>
    public JobId? Snapshotting { get; init; }

    /// <summary>The job that changes the machine of its guest just now.</summary>
    public JobId? Reshape { get; init; }

    /// <summary>Why the last such job failed; null when it did not.</summary>
    public ReshapeFault? ReshapeFault { get; init; }

    /// <summary>What this VM still asks of the world, in words: the answer to "why is it stuck".</summary>
    public ImmutableArray<string> Owes { get; init; } = [];
}
