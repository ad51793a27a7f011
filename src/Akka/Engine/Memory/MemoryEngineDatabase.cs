using System.Collections.Immutable;

namespace Orchestrator.Engine.Memory;

/// <summary>
/// One database in memory that the stores of several nodes open. Time is the given clock's, so leases run out in
/// simulated time. Everything happens under one lock, which makes every operation a transaction.
/// </summary>
public sealed class MemoryEngineDatabase(TimeProvider time)
{
    private readonly HashSet<MemoryEngineStore> stores = [];
    private readonly Dictionary<NodeId, DateTimeOffset> leases = [];
    /// <summary>Who holds a member's session lock; null: it is free. A member that is not here took its lock before
    /// the database restarted, which proves nothing.</summary>
    private readonly Dictionary<NodeId, MemoryEngineStore?> sessions = [];
    private Dictionary<string, SortedDictionary<long, Row>> journal = [];
    private Dictionary<string, SortedDictionary<long, SnapshotRow>> snapshots = [];
    private HashSet<(ShardKey Shard, string Entity)> remembered = [];
    private Dictionary<(string Kind, string Key), CompanionRow> companions = [];
    private string? clusterId;
    private ClusterView view = ClusterView.Empty with { Version = 1 };

    private sealed record Row(string Writer, JournalRow Stored, bool Deleted);

    internal Lock Gate { get; } = new();

    public TimeProvider Time { get; } = time;

    /// <summary>While set, every store answers that the database is unavailable, and nothing is done.</summary>
    public bool IsDown { get; set; }

    /// <summary>Epochs are not checked while this is off: a test shows with it that its checker sees double writers.</summary>
    public bool WriteFence { get; set; } = true;

    /// <summary>Members and shards now, without a self.</summary>
    public ClusterView View
    {
        get { lock (Gate) return view; }
    }

    /// <summary>Every stored event in the order of the journal, deleted ones left out.</summary>
    public ImmutableArray<JournalRow> Journal
    {
        get
        {
            lock (Gate)
                return [.. journal.Values.SelectMany(rows => rows.Values).Where(r => !r.Deleted).Select(r => r.Stored)];
        }
    }

    public ImmutableArray<CompanionRow> Companions
    {
        get { lock (Gate) return [.. companions.Values]; }
    }

    /// <summary>Loses every session as a restart of the database does: nodes learn it, leases start anew.</summary>
    public void Restart()
    {
        MemoryEngineStore?[] lost;
        lock (Gate)
        {
            lost = [.. sessions.Values];
            sessions.Clear();
            foreach (var (node, until) in leases.ToArray()) leases[node] = Later(until, Time.GetUtcNow() + Grace);
        }

        foreach (var store in lost) store?.RaiseSessionLost("the database restarted");
    }

    /// <summary>All that is stored, as a backup has it.</summary>
    public MemoryBackup Backup()
    {
        lock (Gate)
            return new MemoryBackup(
                view,
                [.. journal.SelectMany(e => e.Value.Values.Select(r => (r.Writer, r.Stored, r.Deleted)))],
                [.. snapshots.SelectMany(e => e.Value.Values)], [.. remembered], [.. companions.Values]);
    }

    /// <summary>Everything is as it was, and is said to be: see <see cref="ClusterRules.Restored"/>. All nodes are dead.</summary>
    public void Restore(MemoryBackup backup)
    {
        lock (Gate)
        {
            (journal, snapshots) = ([], []);
            foreach (var (writer, stored, deleted) in backup.Journal)
            {
                if (!journal.TryGetValue(stored.PersistenceId, out var rows)) journal[stored.PersistenceId] = rows = [];
                rows[stored.SequenceNr] = new Row(writer, stored, deleted);
            }

            foreach (var row in backup.Snapshots) SaveSnapshot(row);
            remembered = [.. backup.Remembered];
            companions = backup.Companions.ToDictionary(c => (c.Kind, c.Key));
            leases.Clear();
            sessions.Clear();
            view = ClusterRules.Restored(backup.View with { Version = view.Version + 1 }, Time.GetUtcNow());
        }
    }

    private static TimeSpan Grace => TimeSpan.FromSeconds(3);

    internal void Open(MemoryEngineStore store)
    {
        lock (Gate) stores.Add(store);
    }

    internal void Close(MemoryEngineStore store)
    {
        lock (Gate)
        {
            stores.Remove(store);
            foreach (var (node, holder) in sessions.ToArray())
                if (ReferenceEquals(holder, store)) sessions[node] = null;
        }
    }

    internal void Prepare(string id)
    {
        lock (Gate)
        {
            clusterId ??= id;
            if (clusterId != id)
                throw new StoreRefusedException($"The database belongs to the cluster '{clusterId}', not to '{id}'.");
        }
    }

    internal ClusterView Join(MemoryEngineStore store, NodeDescription self, TimeSpan lease)
    {
        lock (Gate)
        {
            var dead = Dead(self.Id);
            dead.UnionWith(self.Replaces);
            var twin = view.Members.FirstOrDefault(
                m => m.Node.Host == self.Host && m.Node.Port == self.Port && !dead.Contains(m.Node.Id));
            if (twin is not null)
            {
                throw new StoreRefusedException(
                    $"A node at {self.Host}:{self.Port} ({twin.Node.Id}) is a living member already.")
                { TwinLives = true };
            }

            if (VersionRules.Refusal(self, view.Members.Where(m => !dead.Contains(m.Node.Id))) is { } tooFar)
                throw new StoreRefusedException(tooFar);
            var next = ClusterRules.Join(view, self, dead, Time.GetUtcNow());
            leases[self.Id] = Time.GetUtcNow() + lease;
            sessions[self.Id] = store;
            return Apply(next, self.Id);
        }
    }

    internal ClusterView Renew(NodeId self, TimeSpan lease)
    {
        lock (Gate)
        {
            if (!Has(self)) return view with { Self = null };
            leases[self] = Time.GetUtcNow() + lease;
            return Apply(ClusterRules.Bury(view, Dead(self)), self);
        }
    }

    internal ClusterView Change(NodeId self, Func<ClusterView, ClusterView> rule)
    {
        lock (Gate) return Apply(rule(view), self);
    }

    internal ImmutableArray<WriteOutcome> Write(NodeId? self, ImmutableArray<JournalBatch> batches)
    {
        lock (Gate) return [.. batches.Select(b => Write(self, b))];
    }

    internal ImmutableArray<JournalRow> Replay(string persistenceId, long from)
    {
        lock (Gate)
        {
            return journal.TryGetValue(persistenceId, out var rows)
                ? [.. rows.Values.Where(r => r.Stored.SequenceNr >= from)
                    .Select(r => r.Deleted ? r.Stored with { IsDeleted = true } : r.Stored)]
                : [];
        }
    }

    internal SnapshotRow? LoadSnapshot(string persistenceId, long atMost)
    {
        lock (Gate)
        {
            return snapshots.TryGetValue(persistenceId, out var rows)
                ? rows.Where(r => r.Key <= atMost).Select(r => r.Value).LastOrDefault()
                : null;
        }
    }

    internal void SaveSnapshot(SnapshotRow row)
    {
        lock (Gate)
        {
            if (!snapshots.TryGetValue(row.PersistenceId, out var rows)) snapshots[row.PersistenceId] = rows = [];
            rows[row.SequenceNr] = row;
        }
    }

    internal void DeleteSnapshots(string persistenceId, long upTo)
    {
        lock (Gate)
        {
            if (!snapshots.TryGetValue(persistenceId, out var rows)) return;
            foreach (var number in rows.Keys.Where(n => n <= upTo).ToArray()) rows.Remove(number);
        }
    }

    internal void DeleteSnapshot(string persistenceId, long sequenceNr)
    {
        lock (Gate)
        {
            if (snapshots.TryGetValue(persistenceId, out var rows)) rows.Remove(sequenceNr);
        }
    }

    internal void DeleteMessages(string persistenceId, long upTo)
    {
        lock (Gate)
        {
            if (!journal.TryGetValue(persistenceId, out var rows) || rows.Count == 0) return;
            var top = rows.Keys.Last();
            foreach (var number in rows.Keys.Where(n => n <= upTo && n < top).ToArray()) rows.Remove(number);
            if (top <= upTo) rows[top] = rows[top] with { Deleted = true };
        }
    }

    internal ImmutableArray<string> Remembered(ShardKey shard)
    {
        lock (Gate)
            return [.. remembered.Where(r => r.Shard == shard).Select(r => r.Entity).Order(StringComparer.Ordinal)];
    }

    internal void Forget(NodeId self, ShardKey shard, long epoch, string entityId)
    {
        lock (Gate)
            if (Owns(self, new WriteFence(shard, epoch))) remembered.Remove((shard, entityId));
    }

    private WriteOutcome Write(NodeId? self, JournalBatch batch)
    {
        if (!journal.TryGetValue(batch.PersistenceId, out var rows)) journal[batch.PersistenceId] = rows = [];
        var top = rows.Count == 0 ? 0 : rows.Keys.Last();
        if (!batch.Events.IsEmpty && IsBy(rows, batch.Events[0]) && IsBy(rows, batch.Events[^1])) return WriteOutcome.Written;
        if (WriteFence && batch.Fence is { } fence && (self is not { } node || !Owns(node, fence)))
            return WriteOutcome.NotOwner;
        if (!batch.Events.IsEmpty && batch.Events[0].SequenceNr != top + 1) return WriteOutcome.Conflict;

        var now = Time.GetUtcNow();
        foreach (var e in batch.Events)
        {
            rows[e.SequenceNr] = new Row(
                batch.WriterUuid,
                new JournalRow(batch.PersistenceId, e.SequenceNr, e.Manifest, e.SerializerId, e.Payload.ToArray(), now),
                Deleted: false);
        }

        foreach (var row in batch.Companions)
        {
            if (!companions.TryGetValue((row.Kind, row.Key), out var old) || old.Version < row.Version)
                companions[(row.Kind, row.Key)] = row;
        }

        if (batch is { Remember: { } entity, Fence: { } home }) remembered.Add((home.Shard, entity));
        return WriteOutcome.Written;

        bool IsBy(SortedDictionary<long, Row> known, JournalEvent e) =>
            known.TryGetValue(e.SequenceNr, out var row) && row.Writer == batch.WriterUuid;
    }

    private bool Owns(NodeId node, WriteFence fence) =>
        view.Shards.TryGetValue(fence.Shard, out var row) && row.Owner == node && row.Epoch == fence.Epoch;

    private bool Has(NodeId id) => view.Members.Any(m => m.Node.Id == id);

    private HashSet<NodeId> Dead(NodeId self) =>
    [
        .. view.Members.Select(m => m.Node.Id).Where(id => id != self && (
            leases[id] < Time.GetUtcNow() || (sessions.TryGetValue(id, out var holder) && holder is null))),
    ];

    private ClusterView Apply(ClusterView next, NodeId self)
    {
        var changed = !ReferenceEquals(next, view);
        var gone = view.Members.Select(m => m.Node.Id).Except(next.Members.Select(m => m.Node.Id)).ToArray();
        view = next;
        foreach (var id in gone)
        {
            leases.Remove(id);
            if (sessions.Remove(id, out var holder) && id != self) holder?.RaiseSessionLost("this node was buried");
        }

        if (changed)
            foreach (var store in stores) store.Changes.Raise();
        return view with { Self = view.Members.FirstOrDefault(m => m.Node.Id == self) };
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}

/// <summary>A copy of a <see cref="MemoryEngineDatabase"/> of one moment.</summary>
public sealed record MemoryBackup(
    ClusterView View, ImmutableArray<(string Writer, JournalRow Stored, bool Deleted)> Journal,
    ImmutableArray<SnapshotRow> Snapshots, ImmutableArray<(ShardKey Shard, string Entity)> Remembered,
    ImmutableArray<CompanionRow> Companions);
