using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Orchestrator.Engine;

/// <summary>
/// What PostgreSQL decides for the cluster: who is a member, who owns a shard, and who may write.
/// Two stores keep this contract, PostgreSQL and one in memory, and the same contract tests run against both.
/// Every method may throw <see cref="StoreUnavailableException"/>: nothing is known then about what was done.
/// </summary>
public interface IEngineStore : IAsyncDisposable
{
    /// <summary>Raised once per incarnation, on any thread, when the session that proves this node alive is lost.
    /// The others may bury the node from that moment, so it must stop acting at once. The text says why.</summary>
    event Action<string>? SessionLost;

    /// <summary>Creates or upgrades the schema once, under a lock, and refuses a database of another cluster
    /// or of a newer schema with <see cref="StoreRefusedException"/>.</summary>
    Task PrepareAsync(string clusterId, CancellationToken cancel);

    /// <summary>Enters the cluster as a new incarnation. A member of the same address that still lives is refused.</summary>
    Task<ClusterView> JoinAsync(NodeDescription self, TimeSpan lease, CancellationToken cancel);

    /// <summary>
    /// Renews this node's lease on the store's clock, buries members that are proved dead (their session lock is free,
    /// or their lease has run out) and gives their shards to the living, all in one transaction.
    /// Answers the view after it. <see cref="ClusterView.Self"/> is null when this node was buried itself.
    /// </summary>
    Task<ClusterView> RenewAsync(NodeId self, TimeSpan lease, CancellationToken cancel);

    /// <summary>Announces a planned departure: the shards of this node get a new home and move one by one.</summary>
    Task<ClusterView> LeaveAsync(NodeId self, CancellationToken cancel);

    /// <summary>Removes this node's row and lock. Shards that it still owned are given away at once.</summary>
    Task RemoveAsync(NodeId self, CancellationToken cancel);

    /// <summary>Makes sure that the shards of a type exist, and says that this node carries the type: only members
    /// that said so are given its shards.</summary>
    Task<ClusterView> RegisterShardsAsync(string shardType, ImmutableArray<string> shardIds, CancellationToken cancel);

    /// <summary>Gives one shard to the member that is to have it next; only its owner under that epoch may say so.
    /// The new owner's epoch is one higher.</summary>
    Task<ClusterView> HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel);

    /// <summary>Completes when something about members or shards changed since the last call ended, or after
    /// <paramref name="atMost"/>.</summary>
    Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancel);

    /// <summary>
    /// Writes many batches in one transaction. Each batch is written whole or not at all, and is refused by itself:
    /// <see cref="WriteOutcome.NotOwner"/> when its fence is not the shard's present epoch,
    /// <see cref="WriteOutcome.Conflict"/> when its first sequence number is not the next one,
    /// <see cref="WriteOutcome.Rejected"/> when the store cannot hold one of its rows.
    /// A batch that the same <see cref="JournalBatch.WriterUuid"/> has already written whole is answered
    /// <see cref="WriteOutcome.Written"/> without being written again, so a retry after an exception is safe.
    /// An exception means that nothing is known about any of them, unless it says
    /// <see cref="StoreUnavailableException.CertainlyNotDone"/>.
    /// </summary>
    Task<ImmutableArray<WriteOutcome>> WriteAsync(ImmutableArray<JournalBatch> batches, CancellationToken cancel);

    /// <summary>The rows of one entity from a sequence number on, in order. A highest row that was deleted comes too,
    /// with <see cref="JournalRow.IsDeleted"/>: the next number is read off it, its event is gone.</summary>
    IAsyncEnumerable<JournalRow> ReplayAsync(string persistenceId, long fromSequenceNr, CancellationToken cancel);

    /// <summary>The newest snapshot not above <paramref name="atMostSequenceNr"/>, or null.</summary>
    Task<SnapshotRow?> LoadSnapshotAsync(string persistenceId, long atMostSequenceNr, CancellationToken cancel);

    /// <summary>For each entity in turn the newest snapshot not above its limit and the first events after it. A store
    /// that can, reads them all together.</summary>
    async Task<ImmutableArray<Past>> LoadPastsAsync(
        ImmutableArray<PastQuery> entities, int rowsAtMost, CancellationToken cancel)
    {
        var pasts = ImmutableArray.CreateBuilder<Past>(entities.Length);
        foreach (var (persistenceId, snapshotUpTo) in entities)
        {
            var snapshot = snapshotUpTo > 0 ? await LoadSnapshotAsync(persistenceId, snapshotUpTo, cancel) : null;
            var rows = ImmutableArray.CreateBuilder<JournalRow>();
            await foreach (var row in ReplayAsync(persistenceId, (snapshot?.SequenceNr ?? 0) + 1, cancel))
            {
                rows.Add(row);
                if (rows.Count == rowsAtMost) break;
            }

            pasts.Add(new Past(snapshot, rows.ToImmutable(), rows.Count < rowsAtMost));
        }

        return pasts.MoveToImmutable();
    }

    Task SaveSnapshotAsync(SnapshotRow snapshot, CancellationToken cancel);

    Task DeleteSnapshotsAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel);

    /// <summary>Deletes the one snapshot of that number, if there is one.</summary>
    Task DeleteSnapshotAsync(string persistenceId, long sequenceNr, CancellationToken cancel) =>
        throw new NotSupportedException($"{GetType().Name} cannot delete a single snapshot");

    Task DeleteMessagesAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel);

    /// <summary>The entities of a shard that are to be woken when the shard starts on a node.</summary>
    Task<ImmutableArray<string>> RememberedAsync(ShardKey shard, CancellationToken cancel);

    /// <summary>Forgets an entity that passivated with nothing owed. Refused silently when the fence is old.</summary>
    Task ForgetAsync(ShardKey shard, long epoch, string entityId, CancellationToken cancel);
}

public readonly record struct NodeId(Guid Value)
{
    public override string ToString() => Value.ToString("N")[..8];
}

/// <summary>One incarnation of a node: a restart is another node with the same address.</summary>
public sealed record NodeDescription(NodeId Id, string Host, int Port, ImmutableArray<string> Roles, string AppVersion)
{
    /// <summary>Shard types that it carries from the moment it joins; others follow by registration.</summary>
    public ImmutableArray<string> ShardTypes { get; init; } = [];

    /// <summary>Incarnations before, of this very process: they have stopped all that they owned, so they count as dead.
    /// More than one: it is not known which of several attempts to join was carried out.</summary>
    public ImmutableArray<NodeId> Replaces { get; init; } = [];
}

public enum NodeStatus { Up, Leaving }

/// <summary>A member. <see cref="ShardTypes"/> are the shard types that it carries.</summary>
public sealed record NodeRow(
    NodeDescription Node, NodeStatus Status, DateTimeOffset JoinedAt, ImmutableArray<string> ShardTypes);

public readonly record struct ShardKey(string Type, string Shard)
{
    /// <summary>The same in every process, and with it the order in which a shard table is gone through.</summary>
    public override int GetHashCode()
    {
        var hash = 2166136261u;
        foreach (var unit in Type) hash = (hash ^ unit) * 16777619u;
        foreach (var unit in Shard) hash = (hash ^ unit) * 16777619u;
        return (int)(hash ^ (hash >> 15));
    }
}

/// <summary>Who owns a shard, under which epoch, and who is to have it next (null: it stays).</summary>
public sealed record ShardRow(ShardKey Key, NodeId? Owner, long Epoch, NodeId? Next);

/// <summary>Members and shard table at one version; a higher version is newer.</summary>
public sealed record ClusterView(
    long Version, NodeRow? Self, ImmutableArray<NodeRow> Members, ImmutableDictionary<ShardKey, ShardRow> Shards)
{
    /// <summary>By type, once for each set of rows: every region of a node looks through each view.</summary>
    private static readonly ConditionalWeakTable<ImmutableDictionary<ShardKey, ShardRow>, ILookup<string, ShardRow>> ByType = [];

    /// <summary>How often, and when, this database was restored from a backup: see <see cref="ClusterRules.Restored"/>; 0: never.</summary>
    public long Restoration { get; init; }

    public static ClusterView Empty { get; } = new(0, null, [], ImmutableDictionary<ShardKey, ShardRow>.Empty);

    public IEnumerable<ShardRow> ShardsOf(string type) =>
        ByType.GetValue(Shards, static shards => shards.Values.ToLookup(row => row.Key.Type))[type];
}

/// <summary>The right to write for an entity: the shard and the epoch under which its owner has it.</summary>
public sealed record WriteFence(ShardKey Shard, long Epoch);

/// <summary>A row of another table that is true exactly when the events are (a read model, an audit line, a job).
/// <see cref="Kind"/> chooses the statement that the composition gave to the store; a row with a version replaces
/// only an older one.</summary>
public sealed record CompanionRow(string Kind, string Key, long Version, string Json);

public sealed record JournalEvent(long SequenceNr, string Manifest, int SerializerId, ReadOnlyMemory<byte> Payload);

/// <summary>Events of one entity that are written together. <see cref="Fence"/> is null only outside sharding.
/// <see cref="Remember"/> asks that the entity be woken with its shard from now on.</summary>
public sealed record JournalBatch(
    string PersistenceId, string WriterUuid, WriteFence? Fence, ImmutableArray<JournalEvent> Events,
    ImmutableArray<CompanionRow> Companions, string? Remember);

public sealed record JournalRow(
    string PersistenceId, long SequenceNr, string Manifest, int SerializerId, ReadOnlyMemory<byte> Payload,
    DateTimeOffset Created)
{
    /// <summary>Only the number is left of it: whoever reads must skip it.</summary>
    public bool IsDeleted { get; init; }
}

public sealed record SnapshotRow(
    string PersistenceId, long SequenceNr, DateTimeOffset Created, string Manifest, int SerializerId,
    ReadOnlyMemory<byte> Payload);

/// <summary>Whose past is wanted; <see cref="SnapshotUpTo"/> 0: from the first event, without a snapshot.</summary>
public sealed record PastQuery(string PersistenceId, long SnapshotUpTo);

/// <summary>The beginning of a recovery; <see cref="IsWhole"/>: no further event is known.</summary>
public sealed record Past(SnapshotRow? Snapshot, ImmutableArray<JournalRow> Rows, bool IsWhole);

public enum WriteOutcome { Written, NotOwner, Conflict, Rejected }

/// <summary>The store did not answer, or answered that it cannot now. What was under way may or may not be done.</summary>
public sealed class StoreUnavailableException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>True when nothing was sent, or the store said that it undid everything.</summary>
    public bool CertainlyNotDone { get; init; }
}

/// <summary>The store must not be used by this node: another cluster's database, a newer schema, a live twin.</summary>
public sealed class StoreRefusedException(string message) : Exception(message)
{
    /// <summary>The reason is a member of the same address that seems alive: it may pass when its lease runs out.</summary>
    public bool TwinLives { get; init; }
}
