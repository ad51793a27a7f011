using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Orchestrator.Engine;

namespace Akka.Persistence;

public interface IPersistentIdentity
{
    string PersistenceId { get; }
}

/// <summary>
/// An actor whose state is what its journal says. Recovery replays snapshot and events before the first command. After
/// Persist no other command is handled until the handlers have run; after PersistAsync they are. Handlers run only
/// when the event is in the journal, in the order of the calls, with the sender of the command. Whatever else the
/// journal answers stops the actor: its memory is not to be trusted then, the next message recovers it.
/// </summary>
public abstract class Eventsourced : ActorBase, IPersistentIdentity, IActorStash
{
    private readonly LinkedList<Step> _steps = new();
    private readonly List<Step> _unsent = [];
    private readonly LocalSystem _engine;
    private readonly ILoggingAdapter _log;
    private readonly string _writerUuid;
    private long _assigned;
    private int _holding;
    private int _confirmed;
    private bool _remembered;
    private bool _stopping;

    protected Eventsourced()
    {
        _engine = Cell.Engine;
        _log = Context.GetLogger();
        _writerUuid = _engine.NextWriterUuid();
    }

    /// <summary>The name of this entity in the journal. Never two living actors with the same.</summary>
    public abstract string PersistenceId { get; }

    public virtual Recovery Recovery => Recovery.Default;

    public IStash Stash { get; set; } = null!;

    public bool IsRecovering { get; private set; } = true;

    public bool IsRecoveryFinished => !IsRecovering;

    /// <summary>The number of the event whose handler ran last, or that was replayed last.</summary>
    public long LastSequenceNr { get; private set; }

    /// <summary>When the event or snapshot that was replayed last was written, on the store's clock; null while nothing
    /// was replayed.</summary>
    internal DateTimeOffset? LastRecordedAt { get; private set; }

    public long SnapshotSequenceNr => LastSequenceNr;

    protected virtual ILoggingAdapter Log => _log;

    public override void AroundPreStart()
    {
        StartRecovery();
        base.AroundPreStart();
    }

    public override void AroundPostRestart(Exception cause, object? message)
    {
        StartRecovery();
        base.AroundPostRestart(cause, message);
    }

    protected internal override bool AroundReceive(Receive receive, object message)
    {
        var handled = base.AroundReceive(receive, message);
        Flush();
        return handled;
    }

    public void Persist<TEvent>(TEvent @event, Action<TEvent> handler) => Add(@event, handler, holds: true);

    public void PersistAll<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler)
    {
        foreach (var one in events.ToArray()) Add(one, handler, holds: true);
    }

    public void PersistAsync<TEvent>(TEvent @event, Action<TEvent> handler) => Add(@event, handler, holds: false);

    public void PersistAllAsync<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler)
    {
        foreach (var one in events.ToArray()) Add(one, handler, holds: false);
    }

    /// <summary>Runs the handler after those of everything persisted before; at once when nothing is under way.</summary>
    public void DeferAsync<TEvent>(TEvent evt, Action<TEvent> handler)
    {
        RequireRecovered();
        if (_steps.Count == 0) handler(evt);
        else _steps.AddLast(new Step(evt!, e => handler((TEvent)e), 0, Holds: false, Cell.CurrentMessage, Sender));
    }

    /// <summary>Answers later with <see cref="SaveSnapshotSuccess"/> or <see cref="SaveSnapshotFailure"/>.</summary>
    public void SaveSnapshot(object snapshot)
    {
        var now = _engine.Clock.GetUtcNow();
        var metadata = new SnapshotMetadata(PersistenceId, LastSequenceNr, now.UtcDateTime);
        try
        {
            var serializer = _engine.Serialization.FindSerializerFor(snapshot);
            var row = new SnapshotRow(
                PersistenceId, LastSequenceNr, now, Serialization.Serialization.ManifestFor(serializer, snapshot),
                serializer.Identifier, serializer.ToBinary(snapshot));
            Answer(
                store => store.SaveSnapshotAsync(row, CancellationToken.None), new SaveSnapshotSuccess(metadata),
                cause => new SaveSnapshotFailure(metadata, cause));
        }
        catch (Exception cause)
        {
            Self.Tell(new SaveSnapshotFailure(metadata, cause), Self);
        }
    }

    public void DeleteMessages(long toSequenceNr) => Answer(
        store => store.DeleteMessagesAsync(PersistenceId, Math.Min(toSequenceNr, LastSequenceNr), CancellationToken.None),
        new DeleteMessagesSuccess(toSequenceNr), cause => new DeleteMessagesFailure(cause, toSequenceNr));

    public void DeleteSnapshots(SnapshotSelectionCriteria criteria) => Answer(
        criteria.IsNarrow
            ? store => DeleteSnapshotsOneByOne(store, PersistenceId, criteria)
            : store => store.DeleteSnapshotsAsync(PersistenceId, criteria.MaxSequenceNr, CancellationToken.None),
        new DeleteSnapshotsSuccess(criteria), cause => new DeleteSnapshotsFailure(criteria, cause));

    /// <summary>Takes an event or a <see cref="SnapshotOffer"/> of the past, and <see cref="RecoveryCompleted"/>.</summary>
    protected abstract bool ReceiveRecover(object message);

    protected abstract bool ReceiveCommand(object message);

    protected sealed override bool Receive(object message) => ReceiveCommand(message);

    /// <summary>The event is not, or perhaps not, in the journal. The actor is stopped after this.</summary>
    protected virtual void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        _log.Error(cause, "{0} stops: event {1} with sequence number {2} is not known to be in the journal",
            PersistenceId, @event.GetType().Name, sequenceNr);

    /// <summary>The event cannot be written at all, because it cannot be serialized or the store
    /// cannot hold it. The actor goes on.</summary>
    protected virtual void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        _log.Error(cause, "{0}: event {1} with sequence number {2} was rejected and is not in the journal",
            PersistenceId, @event.GetType().Name, sequenceNr);

    /// <summary>The past cannot be read or was not accepted. The actor is stopped after this.</summary>
    protected virtual void OnRecoveryFailure(Exception reason, object? message = null) =>
        _log.Error(reason, message is null
            ? "{0} stops: its recovery failed at sequence number {1}"
            : "{0} stops: its recovery failed at sequence number {1}, on {2}",
            PersistenceId, LastSequenceNr, message?.GetType().Name);

    protected virtual void OnReplaySuccess() { }

    private void RequireRecovered()
    {
        if (IsRecovering) throw new InvalidOperationException("Cannot persist during replay. Events can be persisted "
            + "when receiving RecoveryCompleted or later.");
    }

    private void Add<TEvent>(TEvent persisted, Action<TEvent> handler, bool holds)
    {
        RequireRecovered();
        ArgumentNullException.ThrowIfNull(persisted);
        var step = new Step(persisted, e => handler((TEvent)e), ++_assigned, holds, Cell.CurrentMessage, Sender);
        if (holds) _holding++;
        _steps.AddLast(step);
        _unsent.Add(step);
    }

    /// <summary>Gives what this command persisted to the journal, as one batch.</summary>
    private void Flush()
    {
        if (_unsent.Count == 0 || _stopping) return;
        Step[] sent = [.. _unsent];
        _unsent.Clear();
        JournalBatch batch;
        try
        {
            batch = Batch(sent);
        }
        catch (Exception cause)
        {
            Reject(sent, cause);
            return;
        }
        _remembered = true;
        Cell.Mailbox.IsHeld = _holding > 0;
        var (self, owner) = (Cell.Ref, this);
        GroupWriter.Of(_engine).Submit(batch, failure =>
            self.SendSystem(new SystemMessage.Turn(owner, () => owner.OnAnswer(sent, failure))));
    }

    private JournalBatch Batch(Step[] steps)
    {
        var events = ImmutableArray.CreateBuilder<JournalEvent>(steps.Length);
        ImmutableArray<CompanionRow> companions = [];
        foreach (var step in steps)
        {
            var stored = step.Event;
            if (_engine.Setup.Records is { } records)
            {
                (stored, var rows) = records.Unwrap(stored);
                companions = companions.AddRange(rows);
            }
            var serializer = _engine.Serialization.FindSerializerFor(stored);
            events.Add(new JournalEvent(
                step.SequenceNr, Serialization.Serialization.ManifestFor(serializer, stored), serializer.Identifier,
                serializer.ToBinary(stored)));
        }
        var ownership = Cell.Ownership;
        return new JournalBatch(
            PersistenceId, _writerUuid, ownership is null ? null : new WriteFence(ownership.Shard, ownership.Epoch),
            events.MoveToImmutable(), companions, _remembered ? null : ownership?.EntityId);
    }

    private void Reject(Step[] steps, Exception cause)
    {
        _assigned = steps[0].SequenceNr - 1;
        foreach (var step in steps)
        {
            _steps.Remove(step);
            if (step.Holds) _holding--;
        }
        foreach (var step in steps) OnPersistRejected(cause, step.Event, step.SequenceNr);
        Cell.Mailbox.IsHeld = _holding > 0;
    }

    private void OnAnswer(Step[] sent, Exception? failure)
    {
        if (failure is WriteRefusedException { Outcome: WriteOutcome.Rejected } && _steps.Last?.Value is { } last
            && ReferenceEquals(last, sent[^1]))
        {
            Cell.TakeUp(sent[0].Message, sent[0].Sender);
            Reject(sent, failure);
            RunConfirmed();
            return;
        }
        if (failure is not null)
        {
            OnFailure(sent, failure);
            return;
        }
        _confirmed += sent.Length;
        RunConfirmed();
    }

    private void RunConfirmed()
    {
        try
        {
            while (_steps.First is { Value: var step } && (step.IsDeferred || _confirmed > 0))
            {
                _steps.RemoveFirst();
                if (!step.IsDeferred)
                {
                    _confirmed--;
                    LastSequenceNr = step.SequenceNr;
                    if (step.Holds) _holding--;
                }
                Cell.TakeUp(step.Message, step.Sender);
                step.Handler(step.Event);
                if (_confirmed == 0) Flush();
            }
        }
        catch
        {
            // Should the supervisor resume this actor, the rest of what is in the journal still gets its handlers.
            if (_confirmed > 0) Cell.Ref.SendSystem(new SystemMessage.Turn(this, RunConfirmed));
            throw;
        }
        finally
        {
            Cell.Mailbox.IsHeld = _holding > 0 || _stopping;
        }
    }

    private void OnFailure(Step[] sent, Exception failure)
    {
        if (_stopping) return;
        Halt();
        if (failure is WriteRefusedException { Outcome: WriteOutcome.NotOwner } && Cell.Ownership is { } ownership)
            _engine.EventStream.Publish(new OwnershipLost(ownership.Shard));
        Cell.TakeUp(sent[0].Message, sent[0].Sender);
        OnPersistFailure(failure, sent[0].Event, sent[0].SequenceNr);
    }

    /// <summary>Stops the actor and sees to it that nothing is handled until it has stopped.</summary>
    private void Halt()
    {
        _stopping = true;
        Cell.Mailbox.IsHeld = true;
        Context.Stop(Self);
    }

    private void StartRecovery()
    {
        if (string.IsNullOrEmpty(PersistenceId)) throw new ArgumentException($"{GetType().Name}: PersistenceId is empty");
        Cell.Mailbox.IsHeld = true;
        var (self, owner, recovery) = (Cell.Ref, this, Recovery);
        void Post(Action run) => self.SendSystem(new SystemMessage.Turn(owner, run));
        var reader = RecoveryReader.Of(_engine);
        reader
            .Read(
                PersistenceId, recovery, () => Cell.Mailbox.HasMessages, snapshot =>
                {
                    if (Readable(snapshot, reader.SnapshotIsOptional) is not { } past) return false;
                    Post(() => Replay(snapshot, past));
                    return true;
                },
                rows => Post(() => Replay(rows)))
            .ContinueWith(
                read =>
                {
                    if (read.IsCompletedSuccessfully) Post(() => FinishRecovery(read.Result));
                    else Post(() => FailRecovery(read.Exception!.GetBaseException(), null));
                },
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Null when the snapshot cannot be read and the events are to do without it. Runs on the reader's turn.
    /// </summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever a serializer throws, the events are the truth.")]
    private object? Readable(SnapshotRow row, bool optional)
    {
        try
        {
            return _engine.Serialization.Deserialize(row.Payload.ToArray(), row.SerializerId, row.Manifest);
        }
        catch (Exception cause) when (optional)
        {
            _log.Info("{0}: its snapshot of sequence number {1} is ignored, all events are replayed: {2}", row.PersistenceId,
                row.SequenceNr, cause.Message);
            return null;
        }
    }

    private void Replay(SnapshotRow row, object snapshot)
    {
        var metadata = MetadataOf(row);
        LastSequenceNr = row.SequenceNr;
        LastRecordedAt = row.Created;
        Guarded(row.Manifest, () => new SnapshotOffer(metadata, snapshot));
    }

    private void Replay(List<JournalRow> rows)
    {
        foreach (var row in rows)
        {
            if (_stopping) return;
            LastSequenceNr = row.SequenceNr;
            LastRecordedAt = row.Created;
            Guarded(row.Manifest, () => _engine.Serialization.Deserialize(
                row.Payload.ToArray(), row.SerializerId, row.Manifest));
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever the past throws, the actor must not live on it.")]
    private void Guarded(string manifest, Func<object> message)
    {
        if (_stopping) return;
        object? past = null;
        try
        {
            past = message();
            if (!ReceiveRecover(past)) Unhandled(past);
        }
        catch (Exception cause)
        {
            FailRecovery(cause, past ?? manifest);
        }
    }

    private void FinishRecovery(long highest)
    {
        if (_stopping) return;
        _assigned = LastSequenceNr = Math.Max(LastSequenceNr, highest);
        IsRecovering = false;
        try
        {
            OnReplaySuccess();
            ReceiveRecover(RecoveryCompleted.Instance);
        }
        catch (Exception cause)
        {
            FailRecovery(cause, RecoveryCompleted.Instance);
            return;
        }
        Cell.Mailbox.IsHeld = _holding > 0;
        Flush();
    }

    internal static SnapshotMetadata MetadataOf(SnapshotRow row) =>
        new(row.PersistenceId, row.SequenceNr, row.Created.UtcDateTime);

    private static async Task DeleteSnapshotsOneByOne(
        IEngineStore store, string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var upTo = criteria.MaxSequenceNr;
        while (upTo >= criteria.MinSequenceNr
            && await store.LoadSnapshotAsync(persistenceId, upTo, CancellationToken.None) is { } row)
        {
            if (criteria.Matches(MetadataOf(row)))
                await store.DeleteSnapshotAsync(persistenceId, row.SequenceNr, CancellationToken.None);
            upTo = row.SequenceNr - 1;
        }
    }

    private void FailRecovery(Exception cause, object? message)
    {
        if (_stopping) return;
        Halt();
        OnRecoveryFailure(cause, message);
    }

    private void Answer(Func<IEngineStore, Task> ask, object success, Func<Exception, object> failure)
    {
        var self = Self;
        _ = _engine.Run(async () =>
        {
            try
            {
                await ask(_engine.Setup.Store!);
                self.Tell(success, self);
            }
            catch (Exception cause)
            {
                self.Tell(failure(cause), self);
            }
        });
    }

    /// <summary>One call of Persist or Defer that waits for its handler; a deferred one has no sequence number.</summary>
    private sealed record Step(
        object Event, Action<object> Handler, long SequenceNr, bool Holds, object? Message, IActorRef Sender)
    {
        public bool IsDeferred => SequenceNr == 0;

        public bool Equals(Step? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
