using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Orchestrator.Tests.Simulation.Machine;

namespace Orchestrator.Tests.Simulation.Installation;

/// <summary>One process's way to the database: each question takes time there and back, and either way may be lost.
/// What has been sent is carried out even when the process that sent it is dead by then.</summary>
public sealed class SimulatedStore : IEngineStore
{
    private readonly SimulatedDatabase _database;
    private readonly SimulatedProcess _process;
    private readonly MemoryEngineStore _inner;
    private NodeId? _self;

    public SimulatedStore(SimulatedDatabase database, SimulatedProcess process)
    {
        (_database, _process) = (database, process);
        _inner = new MemoryEngineStore(database.Engine);
        _inner.SessionLost += why => process.Schedule(() => SessionLost?.Invoke(why));
    }

    public event Action<string>? SessionLost;

    /// <summary>Packets between this process and the database get lost.</summary>
    public bool IsCut
    {
        get => _inner.IsCutOff;
        set => _inner.IsCutOff = value;
    }

    public Task PrepareAsync(string clusterId, CancellationToken cancel) =>
        Ask(() => Done(_inner.PrepareAsync(clusterId, cancel)), cancel);

    public Task<ClusterView> JoinAsync(NodeDescription self, TimeSpan lease, CancellationToken cancel) => Ask(
        () =>
        {
            _self = self.Id;
            return Now(_inner.JoinAsync(self, lease, cancel));
        },
        cancel);

    public Task<ClusterView> RenewAsync(NodeId self, TimeSpan lease, CancellationToken cancel) =>
        Ask(() => Now(_inner.RenewAsync(self, lease, cancel)), cancel);

    public Task<ClusterView> LeaveAsync(NodeId self, CancellationToken cancel) =>
        Ask(() => Now(_inner.LeaveAsync(self, cancel)), cancel);

    public Task RemoveAsync(NodeId self, CancellationToken cancel) =>
        Ask(() => Done(_inner.RemoveAsync(self, cancel)), cancel);

    public Task<ClusterView> RegisterShardsAsync(
        string shardType, ImmutableArray<string> shardIds, CancellationToken cancel) =>
        Ask(() => Now(_inner.RegisterShardsAsync(shardType, shardIds, cancel)), cancel);

    public Task<ClusterView> HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel) =>
        Ask(() => Now(_inner.HandOverAsync(shard, epoch, cancel)), cancel);

    public Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancel) => IsCut || _database.IsDown
        ? Task.Delay(atMost, _process.Clock, cancel)
        : _inner.WaitForChangeAsync(atMost, cancel);

    public Task<ImmutableArray<WriteOutcome>> WriteAsync(
        ImmutableArray<JournalBatch> batches, CancellationToken cancel) => Ask(
        () =>
        {
            var before = _database.Engine.View;
            var outcomes = Now(_inner.WriteAsync(batches, cancel));
            _database.OnWritten(_self, before, batches, outcomes);
            return outcomes;
        },
        cancel);

    public async IAsyncEnumerable<JournalRow> ReplayAsync(
        string persistenceId, long fromSequenceNr, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var row in await Ask(() => _database.Engine.Replay(persistenceId, fromSequenceNr), cancel))
            yield return row;
    }

    public Task<SnapshotRow?> LoadSnapshotAsync(string persistenceId, long atMostSequenceNr, CancellationToken cancel) =>
        Ask(() => Now(_inner.LoadSnapshotAsync(persistenceId, atMostSequenceNr, cancel)), cancel);

    public Task SaveSnapshotAsync(SnapshotRow snapshot, CancellationToken cancel) =>
        Ask(() => Done(_inner.SaveSnapshotAsync(snapshot, cancel)), cancel);

    public Task DeleteSnapshotsAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel) =>
        Ask(() => Done(_inner.DeleteSnapshotsAsync(persistenceId, upToSequenceNr, cancel)), cancel);

    public Task DeleteMessagesAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel) =>
        Ask(() => Done(_inner.DeleteMessagesAsync(persistenceId, upToSequenceNr, cancel)), cancel);

    public Task<ImmutableArray<string>> RememberedAsync(ShardKey shard, CancellationToken cancel) =>
        Ask(() => Now(_inner.RememberedAsync(shard, cancel)), cancel);

    public Task ForgetAsync(ShardKey shard, long epoch, string entityId, CancellationToken cancel) =>
        Ask(() => Done(_inner.ForgetAsync(shard, epoch, entityId, cancel)), cancel);

    /// <summary>The database learns that the connection is gone: the session's lock is free.</summary>
    public void Close() => _inner.DisposeAsync().AsTask().GetAwaiter().GetResult();

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    /// <summary>Any other question to the same database over the same way: the read model's.</summary>
    public Task<T> Ask<T>(Func<T> atDatabase, CancellationToken cancel)
    {
        _process.Thread.Guard();
        var asked = new Question<T>(this, atDatabase);
        if (cancel.CanBeCanceled) asked.Cancelled = cancel.UnsafeRegister(static a => ((Question<T>)a!).Cancel(), asked);
        asked.Send();
        return asked.Answer;
    }

    private static T Now<T>(Task<T> done) => done.GetAwaiter().GetResult();

    private static bool Done(Task done)
    {
        done.GetAwaiter().GetResult();
        return true;
    }

    private sealed class Question<T>(SimulatedStore store, Func<T> atDatabase)
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;
        private Exception? _refusal;

        public Task<T> Answer => _answer.Task;

        public CancellationTokenRegistration Cancelled { get; set; }

        private SimulatedDatabase Database => store._database;

        public void Cancel() => _answer.TrySetCanceled();

        public void Send()
        {
            var fate = Database.Faults.Next();
            if (store.IsCut || fate == StoreFate.RequestLost) Database.After(Database.Faults.CommandTimeout, NoAnswer);
            else if (Database.IsDown) Database.After(Database.Faults.OneWay(), Refuse);
            else Database.After(Database.Faults.OneWay(), () => Arrive(fate));
        }

        private void Arrive(StoreFate fate)
        {
            if (store.IsCut)
            {
                Database.After(Database.Faults.CommandTimeout, NoAnswer);
                return;
            }

            try
            {
                _result = atDatabase();
            }
            catch (Exception e) when (e is StoreRefusedException or StoreUnavailableException)
            {
                _refusal = e;
            }

            if (fate == StoreFate.AnswerLost) Database.After(Database.Faults.CommandTimeout, NoAnswer);
            else Database.After(Database.Faults.OneWay(), Return);
        }

        private void Return()
        {
            if (store.IsCut)
            {
                Database.After(Database.Faults.CommandTimeout, NoAnswer);
                return;
            }

            Cancelled.Unregister();
            if (_refusal is null) _answer.TrySetResult(_result);
            else _answer.TrySetException(_refusal);
        }

        private void Refuse()
        {
            Cancelled.Unregister();
            _answer.TrySetException(
                new StoreUnavailableException("The database refused the connection.") { CertainlyNotDone = true });
        }

        private void NoAnswer()
        {
            Cancelled.Unregister();
            _answer.TrySetException(new StoreUnavailableException("The database did not answer in time."));
        }
    }
}
