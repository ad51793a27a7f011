using System.Collections.Immutable;

namespace Orchestrator.Actors.Journal;

/// <summary>
/// The documents that entities leave behind, written in the same transaction as their events: what a list shows is
/// never older than an accepted command. Also jobs, the audit log, and the names that must be unique.
/// </summary>
public interface IReadModel
{
    /// <summary>One document as JSON with its version, or null.</summary>
    Task<Document?> Get(string kind, Guid id, CancellationToken cancel);

    /// <summary>Documents of a kind by name (ordinal), filtered by equality of top-level text fields
    /// (camelCase names of the view's properties), or of nested ones by a dotted path such as config.cluster.</summary>
    Task<IReadOnlyList<Document>> List(ReadQuery query, CancellationToken cancel);

    Task<long> Count(ReadQuery query, CancellationToken cancel);

    /// <summary>VMs whose document names this host as their host or destination, by priority, the highest first.</summary>
    Task<IReadOnlyList<VmOnHost>> VmsOn(HostId host, CancellationToken cancel);

    /// <summary>The highly available VMs of a cluster that are not down.</summary>
    Task<IReadOnlyList<VmId>> HighlyAvailableIn(ClusterId cluster, CancellationToken cancel);

    /// <summary>The copies of VMs that this host was heard to have and was not heard to have lost.</summary>
    Task<IReadOnlyList<VmCopy>> CopiesOn(HostId host, CancellationToken cancel);

    /// <summary>Events, newest first.</summary>
    Task<IReadOnlyList<AuditRow>> Events(AuditQuery query, CancellationToken cancel);

    /// <summary>Takes a name for a new or renamed object; false when another object has it. A claim that no document
    /// confirms within a minute is free again.</summary>
    Task<bool> ClaimName(string kind, string scope, string name, Guid id, CancellationToken cancel);

    Task ReleaseName(string kind, string scope, string name, Guid id, CancellationToken cancel);
}

/// <param name="Moves">A migration of it is under way.</param>
/// <param name="Priority">0 to 100.</param>
public sealed record VmOnHost(Guid Vm, bool Moves, int Priority)
{
    public bool HighlyAvailable { get; init; }
}

/// <summary>A copy of a VM's guest, as far as a host was heard to have it.</summary>
public sealed record VmCopy(Guid Vm, Lease Lease);

public sealed record Document(string Kind, Guid Id, string Name, long Version, string Json);

/// <param name="Equal">Field path → value that its text must equal.</param>
/// <param name="Descending">Newest (highest name) first.</param>
public sealed record ReadQuery(
    string Kind, IReadOnlyDictionary<string, string>? Equal = null, int? Max = null, int Offset = 0, bool Descending = false)
{
    /// <summary>What is searched for; null: all.</summary>
    public ReadFilter? Only { get; init; }

    /// <summary>What who asks may see; null: all.</summary>
    public ReadFilter? Visible { get; init; }

    /// <summary>Null: by name, jobs by their start.</summary>
    public ReadOrder? Order { get; init; }
}

/// <param name="After">Only events with a higher number.</param>
public sealed record AuditQuery(long? After = null, int? Max = null, int Offset = 0)
{
    /// <inheritdoc cref="ReadQuery.Only"/>
    public ReadFilter? Only { get; init; }

    /// <inheritdoc cref="ReadQuery.Visible"/>
    public ReadFilter? Visible { get; init; }

    /// <summary>Null: newest first.</summary>
    public ReadOrder? Order { get; init; }

    /// <summary>The oldest of them first, for who follows the log.</summary>
    public Direction Direction { get; init; } = Direction.Descending;
}

/// <summary>A line of the audit log: oVirt's event.</summary>
public sealed record AuditRow(long Id, AuditLine Line);

/// <param name="Code">oVirt's AuditLogType number.</param>
public sealed record AuditLine(
    int Code, Severity Severity, string Description, DateTimeOffset At, string? Correlation, string User,
    Guid? Vm = null, Guid? Host = null, Guid? Cluster = null, Guid? DataCenter = null, Guid? StorageDomain = null,
    Guid? Template = null, Guid? Disk = null)
{
    /// <summary>Who told it, where that was not the engine.</summary>
    public string? Origin { get; init; }

    /// <summary>The teller's own number for it.</summary>
    public int? CustomId { get; init; }

    /// <summary>The same is not told again within so many seconds, where its code has no such time of its own.</summary>
    public int? FloodRate { get; init; }
}

public enum Severity { Normal = 0, Warning = 1, Error = 2, Alert = 10 }

/// <summary>A job as clients see it; kind "job" in the read model.</summary>
public sealed record JobView
{
    public required JobId Id { get; init; }

    public required string Description { get; init; }

    /// <summary>started, finished or failed.</summary>
    public required string Status { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public required string User { get; init; }

    public string? Correlation { get; init; }

    /// <summary>Kind and id of the entity that carries the job out.</summary>
    public required string EntityKind { get; init; }

    public required Guid EntityId { get; init; }

    /// <summary>A client's own, which the engine only keeps.</summary>
    public bool External { get; init; }

    /// <summary>It is dropped some time after its end.</summary>
    public bool AutoCleared { get; init; } = true;

    public DateTimeOffset? LastUpdated { get; init; }

    /// <summary>Of a job of a client's.</summary>
    public ImmutableArray<StepView> Steps { get => field.IsDefault ? [] : field; init; }
}

/// <param name="Type">executing, finalizing, validating or unknown.</param>
/// <param name="Status">started, finished or failed.</param>
public sealed record StepView(Guid Id, string Description, string Type, string Status, DateTimeOffset StartedAt, DateTimeOffset? EndedAt);
