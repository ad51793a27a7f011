using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace Orchestrator.Engine;

/// <summary>
/// Reads snapshots and events for recoveries, those of many entities at a time: while some readings are under way, the
/// next one gathers. Entities that somebody waits for go first, and leave a quarter of each reading to the others.
/// At most akka.persistence.max-concurrent-recoveries entities are read at the same time. An unavailable store is asked
/// again as for writes, from where the reading stopped.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its system.")]
internal sealed class RecoveryReader : IExtension
{
    private const int RowsPerPiece = 100;
    private const int ReadingsAtOnce = 4;
    private readonly LocalSystem _system;
    private readonly IEngineStore _store;
    private readonly Lock _gate = new();
    private readonly LinkedList<Request> _ready = new();
    private readonly TimeSpan _patience;
    private readonly TimeSpan _retryMin;
    private readonly TimeSpan _retryMax;
    private readonly int _groupSize;
    private int _readings;

    private RecoveryReader(LocalSystem system)
    {
        _system = system;
        _store = system.Setup.Store ?? throw new ConfigurationException(
            $"The actor system {system.Name} was created without a store: nothing can be recovered");
        var config = system.Settings.Config;
        SnapshotIsOptional = config.GetBoolean("akka.persistence.snapshot-store.sql.snapshot-is-optional", false);
        _groupSize = Math.Max(1, config.GetInt("akka.persistence.max-concurrent-recoveries", 400) / ReadingsAtOnce);
        _patience = config.GetTimeSpan("orchestrator.journal.outage-patience");
        _retryMin = config.GetTimeSpan("orchestrator.journal.retry-min");
        _retryMax = config.GetTimeSpan("orchestrator.journal.retry-max");
    }

    public static RecoveryReader Of(ActorSystem system) => new Id().Get(system);

    /// <summary>Whether an entity whose snapshot cannot be read recovers from its events alone.</summary>
    public bool SnapshotIsOptional { get; }

    /// <summary>Reads all and reports it by the two delegates, in order; ends when done, fails when it cannot. A snapshot
    /// that the delegate does not take counts as none.
    /// Answers the highest sequence number of the journal, also when not so far was to be read.</summary>
    /// <param name="isAwaited">Whether somebody waits for this entity by now. Called from any thread.</param>
    public Task<long> Read(
        string persistenceId, Recovery recovery, Func<bool> isAwaited, Func<SnapshotRow, bool> onSnapshot,
        Action<List<JournalRow>> onRows)
    {
        var request = new Request(persistenceId, recovery, isAwaited, onSnapshot, onRows, _system.Clock.GetTimestamp());
        lock (_gate) _ready.AddLast(request);
        Pump();
        return request.Done.Task;
    }

    private void Pump()
    {
        while (true)
        {
            List<Request> group = [];
            lock (_gate)
            {
                if (_readings >= ReadingsAtOnce || _ready.Count == 0) return;
                Gather(group);
                _readings++;
            }
            _ = _system.Run(() => ReadGroup(group));
        }
    }

    private void Gather(List<Request> group)
    {
        if (_ready.Count > _groupSize) Take(_groupSize - _groupSize / 4, request => request.IsAwaited());
        Take(_groupSize, _ => true);

        void Take(int until, Predicate<Request> wanted)
        {
            for (var node = _ready.First; node is not null && group.Count < until;)
            {
                var next = node.Next;
                if (wanted(node.Value))
                {
                    group.Add(node.Value);
                    _ready.Remove(node);
                }
                node = next;
            }
        }
    }

    private async Task ReadGroup(List<Request> group)
    {
        try
        {
            await ReadTogether(group);
        }
        finally
        {
            lock (_gate) _readings--;
            Pump();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever the store throws is the answer to who asked.")]
    private async Task ReadTogether(List<Request> group)
    {
        ImmutableArray<Past> pasts;
        try
        {
            ImmutableArray<PastQuery> queries = [.. group.Select(request => request.Query)];
            pasts = await Patiently(() => _store.LoadPastsAsync(queries, RowsPerPiece, CancellationToken.None));
        }
        catch (Exception) when (group.Count > 1)
        {
            // One entity may spoil the statement for all: each is read by itself and answers for itself.
            foreach (var one in group) await ReadTogether([one]);
            return;
        }
        catch (Exception cause)
        {
            group[0].Done.SetException(cause);
            return;
        }
        for (var i = 0; i < group.Count; i++)
        {
            try
            {
                if (group[i].Take(pasts[i])) End(group[i]);
                else _ = ReadOn(group[i]);
            }
            catch (Exception cause)
            {
                group[i].Done.SetException(cause);
            }
        }
    }

    private void End(Request request)
    {
        EngineMeters.Recovered(_system.Clock.GetElapsedTime(request.Began));
        request.Done.SetResult(request.Highest);
    }

    /// <summary>The rest of a long past, after the piece that came with those of others; or all of it, when the newest
    /// snapshot was not the one to begin with.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever the store throws is the answer to who asked.")]
    private async Task ReadOn(Request request)
    {
        try
        {
            while (request.SnapshotUpTo > 0 && await Patiently(() => _store.LoadSnapshotAsync(
                request.Query.PersistenceId, request.SnapshotUpTo, CancellationToken.None)) is { } older)
            {
                if (request.Begin(older)) break;
            }
            // Rows that were passed before the store went away are reported after it is back.
            List<JournalRow> piece = [];
            await Patiently(async () =>
            {
                await foreach (var row in _store.ReplayAsync(request.Query.PersistenceId, request.Next, CancellationToken.None))
                {
                    if (request.Pass(row)) piece.Add(row);
                    if (piece.Count < RowsPerPiece) continue;
                    request.OnRows(piece);
                    piece = [];
                }
                if (piece.Count > 0) request.OnRows(piece);
                return true;
            });
            End(request);
        }
        catch (Exception cause)
        {
            request.Done.SetException(cause);
        }
    }

    private async Task<T> Patiently<T>(Func<Task<T>> ask)
    {
        var since = _system.Clock.GetTimestamp();
        for (var pause = _retryMin; ; pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, _retryMax.Ticks)))
        {
            try
            {
                return await ask();
            }
            catch (StoreUnavailableException) when (_system.Clock.GetElapsedTime(since) < _patience)
            {
            }
            await _system.Delay(pause);
        }
    }

    /// <summary>One recovery, and how far its reading has come.</summary>
    private sealed class Request(
        string persistenceId, Recovery recovery, Func<bool> isAwaited, Func<SnapshotRow, bool> onSnapshot,
        Action<List<JournalRow>> onRows, long began)
    {
        private long _left = recovery.ReplayMax;

        public PastQuery Query { get; } = new(
            persistenceId, Math.Min(recovery.FromSnapshot.MaxSequenceNr, recovery.ToSequenceNr));

        public Func<bool> IsAwaited { get; } = isAwaited;

        public Action<List<JournalRow>> OnRows { get; } = onRows;

        public long Began { get; } = began;

        public TaskCompletionSource<long> Done { get; } = new();

        /// <summary>The first sequence number that was not read yet.</summary>
        public long Next { get; private set; } = 1;

        /// <summary>The highest sequence number that was read.</summary>
        public long Highest { get; private set; }

        /// <summary>Where the search for a snapshot goes on; 0: there is none to look for.</summary>
        public long SnapshotUpTo { get; private set; }

        /// <summary>Begins with this snapshot; false when the criteria want another one, or none can be read.</summary>
        public bool Begin(SnapshotRow snapshot)
        {
            var criteria = recovery.FromSnapshot;
            var matches = !criteria.IsNarrow || criteria.Matches(Eventsourced.MetadataOf(snapshot));
            SnapshotUpTo = matches ? 0 : snapshot.SequenceNr - 1;
            if (!matches || !onSnapshot(snapshot)) return false;
            (Next, Highest) = (snapshot.SequenceNr + 1, snapshot.SequenceNr);
            return true;
        }

        /// <summary>Takes note of the next row; true when its event is to be replayed.</summary>
        public bool Pass(JournalRow row)
        {
            Highest = row.SequenceNr;
            Next = row.SequenceNr + 1;
            if (row.IsDeleted || row.SequenceNr > recovery.ToSequenceNr || _left == 0) return false;
            _left--;
            return true;
        }

        /// <summary>Reports what was read; false when there is more to read.</summary>
        public bool Take(Past past)
        {
            if (past.Snapshot is { } snapshot && !Begin(snapshot)) return false;
            List<JournalRow> rows = new(past.Rows.Length);
            foreach (var row in past.Rows)
                if (Pass(row)) rows.Add(row);
            if (rows.Count > 0) OnRows(rows);
            return past.IsWhole;
        }
    }

    private sealed class Id : ExtensionIdProvider<RecoveryReader>
    {
        public override RecoveryReader CreateExtension(ExtendedActorSystem system) => new((LocalSystem)system);
    }
}
