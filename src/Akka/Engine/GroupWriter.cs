using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Orchestrator.Engine;

/// <summary>
/// Writes the batches of all persistent actors of one system in groups: while up to two groups are with the store, the
/// next one gathers. Batches of one persistence id are written one after the other. An unavailable store is asked again,
/// with backoff, until orchestrator.journal.outage-patience has passed; that is safe because a batch that was written
/// already is answered so. Metrics: <see cref="Waiting"/> grows while the store is away.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its system.")]
public sealed class GroupWriter : IExtension
{
    private readonly LocalSystem _system;
    private readonly IEngineStore _store;
    private readonly Lock _gate = new();
    private readonly Queue<Pending> _ready = new();
    private readonly Dictionary<string, Queue<Pending>> _busy = [];
    private readonly CancellationTokenSource _end = new();
    private readonly TimeSpan _patience;
    private readonly TimeSpan _retryMin;
    private readonly TimeSpan _retryMax;
    private readonly int _groupSize;
    private readonly int _groupsInFlight;
    private readonly bool _onThreadPool;
    private int _inFlight;
    private int _waiting;
    private long _groups;
    private long _batches;

    internal GroupWriter(LocalSystem system)
    {
        _system = system;
        _store = system.Setup.Store ?? throw new ConfigurationException(
            $"The actor system {system.Name} was created without a store: nothing can be persisted");
        var config = system.Settings.Config.GetConfig("orchestrator.journal");
        _patience = config.GetTimeSpan("outage-patience");
        _retryMin = config.GetTimeSpan("retry-min");
        _retryMax = config.GetTimeSpan("retry-max");
        _groupSize = Math.Max(1, config.GetInt("max-batches-per-group"));
        _groupsInFlight = Math.Max(1, config.GetInt("groups-in-flight"));
        _onThreadPool = system.Dispatcher is ThreadPoolDispatcher;
        system.RegisterOnTermination(_end.Cancel);
    }

    /// <summary>Batches that were given and not answered yet.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Groups that the store has taken, and the batches in them: how well writes come together.</summary>
    internal long GroupsWritten => Volatile.Read(ref _groups);

    internal long BatchesWritten => Volatile.Read(ref _batches);

    public static GroupWriter Of(ActorSystem system) => new Id().Get(system);

    /// <summary>Writes a batch in its turn and reports exactly once: null for written, else why not. The report is
    /// called on a foreign thread.</summary>
    internal void Submit(JournalBatch batch, Action<Exception?> report)
    {
        Interlocked.Increment(ref _waiting);
        var pending = new Pending(batch, report);
        lock (_gate)
        {
            if (_busy.TryGetValue(batch.PersistenceId, out var behind))
            {
                behind.Enqueue(pending);
                return;
            }
            _busy.Add(batch.PersistenceId, new Queue<Pending>());
            _ready.Enqueue(pending);
        }
        Pump(Begin.Here);
    }

    private enum Begin { Here, Elsewhere }

    /// <summary>Begins writing what waits, as far as there is room. Here: on the submitter's own thread, because a lone
    /// write would only be delayed by waking another one.</summary>
    private void Pump(Begin begin = Begin.Elsewhere)
    {
        while (true)
        {
            List<Pending> group = [];
            lock (_gate)
            {
                if (_inFlight >= _groupsInFlight || _ready.Count == 0) return;
                while (group.Count < _groupSize && _ready.TryDequeue(out var next)) group.Add(next);
                _inFlight++;
            }
            if (begin == Begin.Here && _onThreadPool && TaskScheduler.Current == TaskScheduler.Default)
            {
                begin = Begin.Elsewhere;
                _ = WriteGroup(group);
            }
            else
            {
                _ = _system.Run(() => WriteGroup(group));
            }
        }
    }

    private async Task WriteGroup(List<Pending> group)
    {
        var place = new Place();
        try
        {
            await Write(group, group.Count == 1 && _onThreadPool ? place : null);
        }
        finally
        {
            Leave(place);
        }
    }

    /// <summary>Makes room for the next group, once.</summary>
    private void Leave(Place place)
    {
        if (place.IsLeft) return;
        place.IsLeft = true;
        lock (_gate) _inFlight--;
        Pump();
    }

    private async Task Write(List<Pending> group, Place? place)
    {
        var since = _system.Clock.GetTimestamp();
        var pause = _retryMin;
        ImmutableArray<JournalBatch> batches = [.. group.Select(one => one.Batch)];
        while (true)
        {
            try
            {
                var asked = _system.Clock.GetTimestamp();
                var outcomes = await _store.WriteAsync(batches, _end.Token);
                EngineMeters.Wrote(group.Count, _system.Clock.GetElapsedTime(asked));
                Interlocked.Increment(ref _groups);
                Interlocked.Add(ref _batches, group.Count);
                for (var i = 0; i < group.Count; i++) Answer(group[i], outcomes[i], place);
                return;
            }
            catch (StoreUnavailableException cause)
                when (_system.Clock.GetElapsedTime(since) < _patience && !_end.IsCancellationRequested)
            {
                if (pause == _retryMin)
                {
                    _system.Log.Warning("The journal is not available; {0} batches wait up to {1} for it: {2}",
                        Waiting, _patience, cause.Message);
                }
            }
            catch (Exception cause) when (cause is StoreUnavailableException or OperationCanceledException)
            {
                foreach (var one in group) Report(one, cause, null);
                return;
            }
            catch (Exception) when (group.Count > 1)
            {
                // One batch may spoil the statement for all: each is tried by itself and answers for itself.
                foreach (var one in group) await Write([one], null);
                return;
            }
            catch (Exception cause)
            {
                Report(group[0], cause, null);
                return;
            }
            try
            {
                await _system.Delay(pause, _end.Token);
            }
            catch (OperationCanceledException cause)
            {
                foreach (var one in group) Report(one, cause, null);
                return;
            }
            pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, _retryMax.Ticks));
        }
    }

    private void Answer(Pending one, WriteOutcome outcome, Place? place) => Report(
        one, outcome == WriteOutcome.Written ? null : new WriteRefusedException(one.Batch.PersistenceId, outcome), place);

    /// <summary>Answers a batch. After a failure, what the same writer has waiting behind it fails with it. The actor of a
    /// batch that was written alone goes on upon this very thread, after it has left its place to the next group.</summary>
    private void Report(Pending one, Exception? failure, Place? place)
    {
        List<Pending> answered = [one];
        lock (_gate)
        {
            var behind = _busy[one.Batch.PersistenceId];
            while (failure is not null && behind.TryPeek(out var next) && next.Batch.WriterUuid == one.Batch.WriterUuid)
                answered.Add(behind.Dequeue());
            if (behind.TryDequeue(out var follower)) _ready.Enqueue(follower);
            else _busy.Remove(one.Batch.PersistenceId);
        }
        Interlocked.Add(ref _waiting, -answered.Count);
        for (var n = 0; n < answered.Count; n++) EngineMeters.Answered(failure);
        if (place is not null && answered is [var alone])
        {
            Mailbox.Capture(() => alone.Report(failure));
            Leave(place);
            Mailbox.RunCaptured();
            return;
        }
        foreach (var each in answered) each.Report(failure);
        Pump();
    }

    /// <summary>A group's share of what may be with the store at a time.</summary>
    private sealed class Place
    {
        public bool IsLeft { get; set; }
    }

    private sealed record Pending(JournalBatch Batch, Action<Exception?> Report);

    private sealed class Id : ExtensionIdProvider<GroupWriter>
    {
        public override GroupWriter CreateExtension(ExtendedActorSystem system) => new((LocalSystem)system);
    }
}
