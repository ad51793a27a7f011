using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Shells;

/// <summary>A store that tells what is written to it, can keep a write waiting, and can refuse one.</summary>
internal sealed class WatchedStore(IEngineStore inner) : IEngineStore
{
    private TaskCompletionSource? _held;

    public event Action<string>? SessionLost
    {
        add => inner.SessionLost += value;
        remove => inner.SessionLost -= value;
    }

    public Action<Step> Note { get; set; } = _ => { };

    public List<JournalBatch> Batches { get; } = [];

    /// <summary>The right under which the entity writes; sharding gives it in a node.</summary>
    public WriteFence? Fence { get; set; }

    /// <summary>The next write is not done and answered so.</summary>
    public WriteOutcome? NextAnswer { get; set; }

    public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release()
    {
        _held?.SetResult();
        _held = null;
    }

    public async Task<ImmutableArray<WriteOutcome>> WriteAsync(
        ImmutableArray<JournalBatch> batches, CancellationToken cancel)
    {
        foreach (var batch in batches) Note(new Step.Writing(batch));
        if (_held is { } gate) await gate.Task;
        ImmutableArray<WriteOutcome> outcomes;
        if (NextAnswer is { } answer)
        {
            NextAnswer = null;
            outcomes = [.. batches.Select(_ => answer)];
        }
        else
        {
            outcomes = await inner.WriteAsync([.. batches.Select(b => b with { Fence = Fence })], cancel);
        }

        for (var i = 0; i < batches.Length; i++)
        {
            Note(new Step.Written(outcomes[i]));
            if (outcomes[i] == WriteOutcome.Written) Batches.Add(batches[i]);
        }

        return outcomes;
    }

    public IAsyncEnumerable<JournalRow> ReplayAsync(string persistenceId, long from, CancellationToken cancel) =>
        inner.ReplayAsync(persistenceId, from, cancel);

    public Task<SnapshotRow?> LoadSnapshotAsync(string persistenceId, long atMost, CancellationToken cancel) =>
        inner.LoadSnapshotAsync(persistenceId, atMost, cancel);

    public Task PrepareAsync(string clusterId, CancellationToken cancel) => throw NotOfAShell();

    public Task<ClusterView> JoinAsync(NodeDescription self, TimeSpan lease, CancellationToken cancel) =>
        throw NotOfAShell();

    public Task<ClusterView> RenewAsync(NodeId self, TimeSpan lease, CancellationToken cancel) => throw NotOfAShell();

    public Task<ClusterView> LeaveAsync(NodeId self, CancellationToken cancel) => throw NotOfAShell();

    public Task RemoveAsync(NodeId self, CancellationToken cancel) => throw NotOfAShell();

    public Task<ClusterView> RegisterShardsAsync(
        string type, ImmutableArray<string> shards, CancellationToken cancel) => throw NotOfAShell();

    public Task<ClusterView> HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel) => throw NotOfAShell();

    public Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancel) => throw NotOfAShell();

    public Task SaveSnapshotAsync(SnapshotRow snapshot, CancellationToken cancel) =>
        inner.SaveSnapshotAsync(snapshot, cancel);

    public Task DeleteSnapshotsAsync(string persistenceId, long upTo, CancellationToken cancel) =>
        inner.DeleteSnapshotsAsync(persistenceId, upTo, cancel);

    public Task DeleteMessagesAsync(string persistenceId, long upTo, CancellationToken cancel) => throw NotOfAShell();

    public Task<ImmutableArray<string>> RememberedAsync(ShardKey shard, CancellationToken cancel) =>
        throw NotOfAShell();

    public Task ForgetAsync(ShardKey shard, long epoch, string entityId, CancellationToken cancel) =>
        throw NotOfAShell();

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static InvalidOperationException NotOfAShell([CallerMemberName] string call = "") =>
        new($"A shell asked the store for {call}: it may only write its facts and read them.");
}
