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
    long? TotalMs = null);

public sealed record ConsoleAddress(string Address, int Port);

[JsonConverter(typeof(SnakeCaseEnum<GuestState>))]
public enum GuestState { WaitForLaunch, PoweringUp, Up, Paused, PoweringDown, MigratingOut, Incoming, Down }

/// <summary>
/// <see cref="Normal"/>: the guest shut itself down. <see cref="Error"/>: it failed to start or QEMU died.
/// <see cref="Lost"/>: the agent finds it gone and cannot say how (power cut, agent was away).
/// <see cref="Destroyed"/>: powered off by order. <see cref="Migrated"/>: it runs elsewhere now.
/// </summary>
[JsonConverter(typeof(SnakeCaseEnum<GuestExit>))]
public enum GuestExit { None, Normal, Error, Migrated, Lost, Destroyed }
