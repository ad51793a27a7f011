using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;

namespace Orchestrator.Engine;

/// <summary>Reads snapshot and events of one entity for its recovery, in pieces. At most
/// akka.persistence.max-concurrent-recoveries read at a time. An unavailable store is asked again as for writes,
/// from where the reading stopped.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its system.")]
internal sealed class RecoveryReader : IExtension
{
    private const int RowsPerPiece = 100;
    private readonly LocalSystem _system;
    private readonly IEngineStore _store;
    private readonly SemaphoreSlim _permits;
    private readonly TimeSpan _patience;
    private readonly TimeSpan _retryMin;
    private readonly TimeSpan _retryMax;

    private RecoveryReader(LocalSystem system)
    {
        _system = system;
        _store = system.Setup.Store ?? throw new ConfigurationException(
            $"The actor system {system.Name} was created without a store: nothing can be recovered");
        var config = system.Settings.Config;
        _permits = new SemaphoreSlim(Math.Max(1, config.GetInt("akka.persistence.max-concurrent-recoveries", 50)));
        SnapshotIsOptional = config.GetBoolean("akka.persistence.snapshot-store.sql.snapshot-is-optional", false);
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
    public Task<long> Read(
        string persistenceId, Recovery recovery, Func<SnapshotRow, bool> onSnapshot,
        Action<List<JournalRow>> onRows) =>
        _system.Run(async () =>
        {
            var began = _system.Clock.GetTimestamp();
            await _permits.WaitAsync();
            try
            {
                var (next, highest) = (1L, 0L);
                if (await Snapshot(persistenceId, recovery) is { } snapshot && onSnapshot(snapshot))
                {
                    next = snapshot.SequenceNr + 1;
                }
                var (upTo, left) = (recovery.ToSequenceNr, recovery.ReplayMax);
                await Patiently(async () =>
                {
                    List<JournalRow> piece = [];
                    await foreach (var row in _store.ReplayAsync(persistenceId, next, CancellationToken.None))
                    {
                        highest = row.SequenceNr;
                        if (row.IsDeleted || row.SequenceNr > upTo || left == 0) continue;
                        piece.Add(row);
                        next = row.SequenceNr + 1;
                        left--;
                        if (piece.Count < RowsPerPiece) continue;
                        onRows(piece);
                        piece = [];
                    }
                    if (piece.Count > 0) onRows(piece);
                    return true;
                });
                EngineMeters.Recovered(_system.Clock.GetElapsedTime(began));
                return highest;
            }
            finally
            {
                _permits.Release();
            }
        });

    /// <summary>The newest snapshot that the criteria take, or null.</summary>
    private async Task<SnapshotRow?> Snapshot(string persistenceId, Recovery recovery)
    {
        var criteria = recovery.FromSnapshot;
        var upTo = Math.Min(criteria.MaxSequenceNr, recovery.ToSequenceNr);
        while (upTo > 0 && await Patiently(() => _store.LoadSnapshotAsync(
            persistenceId, upTo, CancellationToken.None)) is { } snapshot)
        {
            if (!criteria.IsNarrow || criteria.Matches(Eventsourced.MetadataOf(snapshot))) return snapshot;
            upTo = snapshot.SequenceNr - 1;
        }
        return null;
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

    private sealed class Id : ExtensionIdProvider<RecoveryReader>
    {
        public override RecoveryReader CreateExtension(ExtendedActorSystem system) => new((LocalSystem)system);
    }
}
