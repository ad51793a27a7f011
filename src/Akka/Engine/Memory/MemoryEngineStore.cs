using System.Collections.Immutable;

namespace Orchestrator.Engine.Memory;

/// <summary>One node's store over a <see cref="MemoryEngineDatabase"/>, with the faults that a network can have.</summary>
public sealed class MemoryEngineStore : IEngineStore
{
    private readonly MemoryEngineDatabase database;
    private NodeId? self;

    public MemoryEngineStore(MemoryEngineDatabase database)
    {
        this.database = database;
        database.Open(this);
    }

    public event Action<string>? SessionLost;

    /// <summary>While set, this node cannot reach the database; the others can.</summary>
    public bool IsCutOff { get; set; }

    /// <summary>So many writes are done, but their answer gets lost.</summary>
    public int LostAnswers { get; set; }

    internal ChangeSignal Changes { get; } = new();

    public Task PrepareAsync(string clusterId, CancellationToken cancel)
    {
        Reach();
        database.Prepare(clusterId);
        return Task.CompletedTask;
    }

    public Task<ClusterView> JoinAsync(NodeDescription self, TimeSpan lease, CancellationToken cancel)
    {
        Reach();
        database.Close(this);
        database.Open(this);
        var view = database.Join(this, self, lease);
        this.self = self.Id;
        return Task.FromResult(view);
    }

    public Task<ClusterView> RenewAsync(NodeId self, TimeSpan lease, CancellationToken cancel)
    {
        Reach();
        return Task.FromResult(database.Renew(self, lease));
    }

    public Task<ClusterView> LeaveAsync(NodeId self, CancellationToken cancel) =>
        Change(self, v => ClusterRules.Leave(v, self));

    public async Task RemoveAsync(NodeId self, CancellationToken cancel)
    {
        await Change(self, v => ClusterRules.Bury(v, new HashSet<NodeId> { self })).ConfigureAwait(false);
        this.self = null;
    }

    public Task<ClusterView> RegisterShardsAsync(
        string shardType, ImmutableArray<string> shardIds, CancellationToken cancel) =>
        Change(Self, v => ClusterRules.Register(v, Self, shardType, shardIds));

    public Task<ClusterView> HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel) =>
        Change(Self, v => ClusterRules.HandOver(v, Self, shard, epoch));

    public Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancel) =>
        Changes.WaitAsync(atMost, database.Time, cancel);

    public Task<ImmutableArray<WriteOutcome>> WriteAsync(ImmutableArray<JournalBatch> batches, CancellationToken cancel)
    {
        Reach();
        var outcomes = database.Write(self, batches);
        if (LostAnswers > 0)
        {
            LostAnswers--;
            throw new StoreUnavailableException("The answer of a write got lost.");
        }

        return Task.FromResult(outcomes);
    }

    public async IAsyncEnumerable<JournalRow> ReplayAsync(
        string persistenceId, long fromSequenceNr,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        Reach();
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (var row in database.Replay(persistenceId, fromSequenceNr)) yield return row;
    }

    public Task<SnapshotRow?> LoadSnapshotAsync(string persistenceId, long atMostSequenceNr, CancellationToken cancel)
    {
        Reach();
        return Task.FromResult(database.LoadSnapshot(persistenceId, atMostSequenceNr));
    }

    public Task SaveSnapshotAsync(SnapshotRow snapshot, CancellationToken cancel) =>
        Run(() => database.SaveSnapshot(snapshot));

    public Task DeleteSnapshotsAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel) =>
        Run(() => database.DeleteSnapshots(persistenceId, upToSequenceNr));

    public Task DeleteSnapshotAsync(string persistenceId, long sequenceNr, CancellationToken cancel) =>
        Run(() => database.DeleteSnapshot(persistenceId, sequenceNr));

    public Task DeleteMessagesAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel) =>
        Run(() => database.DeleteMessages(persistenceId, upToSequenceNr));

    public Task<ImmutableArray<string>> RememberedAsync(ShardKey shard, CancellationToken cancel)
    {
        Reach();
        return Task.FromResult(database.Remembered(shard));
    }

    public Task ForgetAsync(ShardKey shard, long epoch, string entityId, CancellationToken cancel) =>
        Run(() => database.Forget(Self, shard, epoch, entityId));

    /// <summary>Ends the session as the death of the process does: nothing is said to the others.</summary>
    public ValueTask DisposeAsync()
    {
        database.Close(this);
        self = null;
        return ValueTask.CompletedTask;
    }

    internal void RaiseSessionLost(string why)
    {
        Changes.Raise();
        if (!IsCutOff) SessionLost?.Invoke(why);
    }

    private NodeId Self => self ?? throw new StoreUnavailableException("This node is not a member of the cluster now.")
    {
        CertainlyNotDone = true,
    };

    private Task<ClusterView> Change(NodeId node, Func<ClusterView, ClusterView> rule)
    {
        Reach();
        return Task.FromResult(database.Change(node, rule));
    }

    private Task Run(Action work)
    {
        Reach();
        work();
        return Task.CompletedTask;
    }

    private void Reach()
    {
        if (database.IsDown || IsCutOff)
            throw new StoreUnavailableException("The database cannot be reached.") { CertainlyNotDone = true };
    }
}
