using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// What the hypervisor says of one guest. A guest that is down stays in reports, with its exit, until it is forgotten
/// by order, so that an engine that was away learns how it ended.
/// </summary>
public sealed record GuestReport(Guid Vm, long Lease, GuestState State)
{
    public GuestExit Exit { get; init; }
    public string? ExitMessage { get; init; }

    /// <summary>Why <see cref="GuestState.Paused"/>: "user", "io-error", "no-space", "watchdog", "unknown"…</summary>
    public string? PauseReason { get; init; }
    public MigrationProgress? Migration { get; init; }

    /// <summary>Why the last outgoing migration failed; the guest runs on here under the same lease.</summary>
    public string? MigrationError { get; init; }

    /// <summary>The destination's lease of the last outgoing migration, whatever became of it: which one is spoken of.
    /// Null when there was none, or none since the agent was started.</summary>
    public long? MigrationLease { get; init; }

    /// <summary>The last outgoing migration was given up because the guest wrote faster than it was copied: another
    /// destination would not help.</summary>
    public bool MigrationHopeless { get; init; }

    /// <summary>What is done with it when a failed disk has paused it; null where the driver cannot tell.</summary>
    public OnStorageError? OnStorageError { get; init; }

    /// <summary>The last time that its watchdog barked since the agent was started.</summary>
    public WatchdogReport? Watchdog { get; init; }

    /// <summary>The last <see cref="SaveOrder.Id"/> that came for this guest since the agent was started.</summary>
    public Guid? Save { get; init; }

    /// <summary>Why its memory was not saved by that order; the guest runs on here. Null while it is under way.</summary>
    public string? SaveError { get; init; }

    /// <summary>The last <see cref="ReshapeOrder.Number"/> that came for this guest.</summary>
    public long? Reshape { get; init; }

    /// <summary>The guest has that machine.</summary>
    public bool? Reshaped { get; init; }

    /// <summary>Why it has not, or not all of it; null while it is under way.</summary>
    public string? ReshapeError { get; init; }

    /// <summary>What is plugged in: ids of disks, addresses of NICs. Null where the driver cannot tell.</summary>
    public ImmutableArray<string>? Devices { get; init; }

    /// <summary>0: not known.</summary>
    public int VirtualCpus { get; init; }

    /// <summary>True of a guest that is down because the memory from which it was to go on is not there.</summary>
    public bool? MemoryGone { get; init; }
    public ImmutableArray<string> Ips { get => field.IsDefault ? [] : field; init; }

    /// <summary>Time since the guest was started on this host.</summary>
    public long ElapsedMs { get; init; }
    public long MemoryBytes { get; init; }

    /// <summary>Share of the guest's virtual CPUs in use, in percent; null before two samples exist.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>Where the guest's VNC server listens, null where none.</summary>
    public ConsoleAddress? Console { get; init; }
}

/// <summary>Bytes. The two times are libvirt's own, known once the migration has completed.</summary>
public sealed record MigrationProgress(
    long TotalBytes,
    long RemainingBytes,
    int Percent,
    long? DowntimeMs = null,
    long? TotalMs = null)
{
    /// <summary>How often the memory was gone over; 1 is the first pass, 0: not known.</summary>
    public long Iteration { get; init; }

    public long BytesPerSecond { get; init; }

    /// <summary>Since the migration began.</summary>
    public long ElapsedMs { get; init; }

    /// <summary>How long the guest's last stop may take now; 0: the hypervisor's default.</summary>
    public int MaxDowntimeMs { get; init; }

    /// <summary>The guest runs at the destination already, and what it lacks is fetched.</summary>
    public bool PostCopy { get; init; }
}

/// <param name="Id">Another one for each bark.</param>
/// <param name="Action">What the device did.</param>
public sealed record WatchdogReport(Guid Id, WatchdogAction Action);

public sealed record ConsoleAddress(string Address, int Port);

[JsonConverter(typeof(SnakeCaseEnum<GuestState>))]
public enum GuestState { WaitForLaunch, PoweringUp, Up, Paused, PoweringDown, MigratingOut, Incoming, Down }

/// <summary>
/// <see cref="Normal"/>: the guest shut itself down. <see cref="Error"/>: it failed to start or QEMU died.
/// <see cref="Lost"/>: the agent finds it gone and cannot say how (power cut, agent was away).
/// <see cref="Destroyed"/>: powered off by order. <see cref="Migrated"/>: it runs elsewhere now.
/// <see cref="Saved"/>: its memory is on storage, all of it.
/// </summary>
[JsonConverter(typeof(SnakeCaseEnum<GuestExit>))]
public enum GuestExit { None, Normal, Error, Migrated, Lost, Destroyed, Saved }
