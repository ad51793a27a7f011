using System.Collections.Immutable;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Engine;

/// <summary>A store whose membership calls do not come through while it is held, as if their packets were lost.</summary>
internal sealed class HeldBackStore(IEngineStore inner) : IEngineStore
{
    private volatile TaskCompletionSource? held;

    public event Action<string>? SessionLost
    {
        add => inner.SessionLost += value;
        remove => inner.SessionLost -= value;
    }

    public void Hold() => held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        var waiting = held;
        held = null;
        waiting?.TrySetResult();
    }

    public Task PrepareAsync(string clusterId, CancellationToken cancel) => PassAsync(() => inner.PrepareAsync(clusterId, cancel));

    public Task<ClusterView> JoinAsync(NodeDescription self, TimeSpan lease, CancellationToken cancel) =>
        PassAsync(() => inner.JoinAsync(self, lease, cancel));

    public Task<ClusterView> RenewAsync(NodeId self, TimeSpan lease, CancellationToken cancel) =>
        PassAsync(() => inner.RenewAsync(self, lease, cancel));

    public Task<ClusterView> LeaveAsync(NodeId self, CancellationToken cancel) => PassAsync(() => inner.LeaveAsync(self, cancel));

    public Task RemoveAsync(NodeId self, CancellationToken cancel) => PassAsync(() => inner.RemoveAsync(self, cancel));

    public Task<ClusterView> RegisterShardsAsync(string type, ImmutableArray<string> shards, CancellationToken cancel) =>
        PassAsync(() => inner.RegisterShardsAsync(type, shards, cancel));

    public Task<ClusterView> HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel) =>
        PassAsync(() => inner.HandOverAsync(shard, epoch, cancel));

    public Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancel) => inner.WaitForChangeAsync(atMost, cancel);

    public Task<ImmutableArray<WriteOutcome>> WriteAsync(ImmutableArray<JournalBatch> batches, CancellationToken cancel) =>
        inner.WriteAsync(batches, cancel);

    public IAsyncEnumerable<JournalRow> ReplayAsync(string persistenceId, long from, CancellationToken cancel) =>
        inner.ReplayAsync(persistenceId, from, cancel);

    public Task<SnapshotRow?> LoadSnapshotAsync(string persistenceId, long atMost, CancellationToken cancel) =>
        inner.LoadSnapshotAsync(persistenceId, atMost, cancel);

    public Task SaveSnapshotAsync(SnapshotRow snapshot, CancellationToken cancel) => inner.SaveSnapshotAsync(snapshot, cancel);

    public Task DeleteSnapshotsAsync(string persistenceId, long upTo, CancellationToken cancel) =>
        inner.DeleteSnapshotsAsync(persistenceId, upTo, cancel);

    public Task DeleteSnapshotAsync(string persistenceId, long sequenceNr, CancellationToken cancel) =>
        inner.DeleteSnapshotAsync(persistenceId, sequenceNr, cancel);

    public Task DeleteMessagesAsync(string persistenceId, long upTo, CancellationToken cancel) =>
        inner.DeleteMessagesAsync(persistenceId, upTo, cancel);

    public Task<ImmutableArray<string>> RememberedAsync(ShardKey shard, CancellationToken cancel) =>
        inner.RememberedAsync(shard, cancel);

    public Task ForgetAsync(ShardKey shard, long epoch, string entityId, CancellationToken cancel) =>
        inner.ForgetAsync(shard, epoch, entityId, cancel);

    public ValueTask DisposeAsync()
    {
        Release();
        return inner.DisposeAsync();
    }

    private async Task PassAsync(Func<Task> call)
    {
        if (held is { } waiting) await waiting.Task;
        await call();
    }

    private async Task<T> PassAsync<T>(Func<Task<T>> call)
    {
        if (held is { } waiting) await waiting.Task;
        return await call();
    }
}
