using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Persistence;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors;

/// <summary>
/// Gives any entity's rules a mailbox, a journal and hands; holds no rule of its own. The order is always: decide,
/// persist, evolve, reply, effects. Nothing leaves before the journal holds the fact it rests on; what a crash leaves
/// undone is read off the state and done again.
/// </summary>
public sealed class EntityActor<TState, TCommand, TEvent, TEffect> : UntypedPersistentActor, IWithTimers
    where TState : class
    where TCommand : class
    where TEvent : class
    where TEffect : class
{
    private readonly Rules<TState, TCommand, TEvent, TEffect> _rules;
    private readonly Guid _id;
    private readonly IHands<TState, TEffect> _hands;
    private readonly ShellSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly EntityWatch<TState, TCommand, TEvent, TEffect> _watch;
    private TState _state;
    private Unreadable? _unreadable;

    public EntityActor(
        Rules<TState, TCommand, TEvent, TEffect> rules, Guid id, IHands<TState, TEffect> hands, ShellSettings settings)
    {
        (_rules, _id, _hands, _settings) = (rules, id, hands, settings);
        _state = rules.Initial(id);
        PersistenceId = $"{rules.Kind}-{id}";
        _watch = new EntityWatch<TState, TCommand, TEvent, TEffect>(rules, id, settings.Debts, settings.Clock);
    }

    public override string PersistenceId { get; }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case TCommand or Look when _unreadable is { } row:
                Answer(new Reply.Refused(Fault.Unreadable, $"{row.Manifest}: {row.Reason}"));
                break;
            case TCommand command:
                _watch.Begin(command);
                var decision = _rules.Decide(_state, command);
                _watch.Decided(command, decision);
                Carry(decision, command is IReport ? Answers.Brief : Answers.Full);
                _watch.Pause();
                break;
            case Inspect:
                Answer(new Reply.Explained(WireJson.Write(_watch.Explain(
                    _state, _settings.EpochOf(Context), LastSequenceNr, _unreadable, _hands.Troubles))));
                break;
            case Look:
                Answer(Seen() is { } view
                    ? new Reply.AlreadyDone(view, LastSequenceNr)
                    : new Reply.Refused(Fault.NotFound, null));
                break;
            case Tick:
                Do(_rules.Outstanding(_state));
                break;
            case ReceiveTimeout when _unreadable is not null || _rules.Runs(_state):
                if (OwesNothing) Context.Parent.Tell(_settings.Doze());
                break;
            case ReceiveTimeout:
                if (OwesNothing) Context.Parent.Tell(new Passivate(PoisonPill.Instance));
                break;
            case SaveSnapshotSuccess saved:
                DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
                break;
            case SaveSnapshotFailure failed:
                _log.Debug("{0}: no copy of its state was made: {1}", PersistenceId, failed.Cause.Message);
                break;
            case DeleteSnapshotsSuccess or DeleteSnapshotsFailure:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case TEvent fact:
                _state = _rules.Evolve(_state, fact);
                _watch.Replayed(fact, _state);
                break;
            case SnapshotOffer { Snapshot: StateCopy copy }:
                _state = (TState)copy.State;
                break;
            case Unreadable row:
                _unreadable ??= row;
                break;
        }
    }

    /// <summary>A crash between the journal and the hands loses nothing: the debt is read off the state.</summary>
    protected override void OnReplaySuccess()
    {
        if (_unreadable is { } row)
        {
            _log.Error("{0}: a stored event cannot be read ({1}: {2}); it answers nothing until this engine is upgraded",
                PersistenceId, row.Manifest, row.Reason);
            Context.SetReceiveTimeout(_settings.PassivateAfter);
            _watch.CannotRead(row, _settings.RecordedAt(Context));
            return;
        }

        _watch.Recovered(_settings.RecordedAt(Context));
        if (_settings.Restoration() is > 0 and var restoration
            && _rules.Restored(_state, restoration, _settings.Clock.GetUtcNow()) is { } command
            && _rules.Decide(_state, command) is Decision<TEvent, TEffect>.Accept accept)
        {
            // Before any message is taken up, and before anything is done for a debt of the past.
            Accept(accept, Answers.Brief, []);
            return;
        }

        Owe([], _rules.Outstanding(_state));
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _watch.NotWritten(cause.Message);
        _log.Warning("{0}: the journal did not take event {1}: {2}", PersistenceId, sequenceNr, cause.Message);
    }

    /// <summary>The database cannot hold it, however often it is asked: nothing was written, and nothing changed.</summary>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        _watch.NotWritten(cause.Message);
        Answer(new Reply.Refused(Fault.NotStorable, cause.Message));
    }

    protected override void PostStop()
    {
        _watch.Close();
        _hands.Dispose();
        base.PostStop();
    }

    private enum Answers { Brief, Full }

    /// <summary>Who cannot read his past does not know his debts: nothing can be done for them here.</summary>
    private bool OwesNothing => _unreadable is not null || _rules.Outstanding(_state).IsEmpty;

    private void Carry(Decision<TEvent, TEffect> decision, Answers answers)
    {
        switch (decision)
        {
            case Decision<TEvent, TEffect>.Refuse refusal:
                if (refusal.Fault != Fault.StaleReport)
                    _log.Info("{0}: refused in the phase {1}: {2} {3}", PersistenceId, _state.GetType().Name, refusal.Fault,
                        refusal.Detail);
                Answer(new Reply.Refused(refusal.Fault, refusal.Detail));
                break;
            case Decision<TEvent, TEffect>.Relay relay:
                Do(relay.Effects);
                Answer(Done(answers));
                break;
            case Decision<TEvent, TEffect>.Accept accept:
                Accept(accept, answers);
                break;
            default:
                Answer(Done(answers));
                break;
        }
    }

    /// <param name="said">What was asked of the world already; null: all that is owed.</param>
    private void Accept(Decision<TEvent, TEffect>.Accept accept, Answers answers, ImmutableArray<TEffect>? said = null)
    {
        var before = said ?? _rules.Outstanding(_state);
        if (accept.Facts[0] is IUnrecorded)
        {
            foreach (var fact in accept.Facts) _state = _rules.Evolve(_state, fact);
            Answer(Done(answers));
            Owe(before, _rules.Outstanding(_state));
            Do(accept.Then);
            return;
        }

        var told = _rules.Tell(_id, _state, accept.Facts, LastSequenceNr + accept.Facts.Length);
        var left = accept.Facts.Length;
        var records = accept.Facts.Select(
            (fact, i) => new Recorded(fact, i == accept.Facts.Length - 1 ? told.Rows : []));
        _watch.Writing(left);
        PersistAll(records, _ =>
        {
            if (--left > 0) return;

            // Nothing leaves this actor before the journal holds the facts it rests on.
            _state = told.Next;
            _watch.Written(accept.Facts);
            Answer(new Reply.Accepted(answers == Answers.Brief ? "{}" : told.View ?? "{}", LastSequenceNr));
            Owe(before, _rules.Outstanding(_state));
            Do(accept.Then);
            foreach (var line in told.Lines) _log.Info("{0}: {1}", PersistenceId, line);
            Copy(accept.Facts.Length);
            _watch.End();
        });
    }

    /// <summary>Now and then a copy of the state, so that a long life recovers as fast as a short one.</summary>
    private void Copy(int added)
    {
        var every = _settings.CopyEvery;
        if (every > 0 && _rules.Copied && LastSequenceNr / every > (LastSequenceNr - added) / every)
            SaveSnapshot(new StateCopy(_state));
    }

    private void Owe(ImmutableArray<TEffect> before, ImmutableArray<TEffect> now)
    {
        _watch.Owes(_state, now);
        foreach (var effect in now)
            if (!before.Contains(effect))
                Do(effect);
        if (now.IsEmpty)
        {
            Timers.Cancel(Tick.Key);
            Context.SetReceiveTimeout(_settings.PassivateAfter);
        }
        else if (!Timers.IsTimerActive(Tick.Key))
        {
            Context.SetReceiveTimeout(null);
            Timers.StartPeriodicTimer(Tick.Key, Tick.Instance, _settings.TickEvery);
        }
    }

    private void Do(ImmutableArray<TEffect> effects)
    {
        foreach (var effect in effects) Do(effect);
    }

    private void Do(TEffect effect)
    {
        using var span = _watch.Saying(effect);
        _hands.Do(effect, new Reach<TState>(_state, _settings.EpochOf(Context), Self));
    }

    private Reply Done(Answers answers) =>
        new Reply.AlreadyDone(answers == Answers.Brief || Sender.IsNobody() ? "{}" : Seen() ?? "{}", LastSequenceNr);

    private string? Seen() => _rules.View(_state) is { } view ? WireJson.Write(view) : null;

    private void Answer(Reply reply)
    {
        if (!Sender.IsNobody() && !Equals(Sender, Context.System.DeadLetters)) Sender.Tell(reply);
    }
}

/// <summary>Time to do again what is owed.</summary>
public sealed class Tick
{
    public const string Key = "tick";

    public static Tick Instance { get; } = new();
}

/// <param name="TickEvery">How often what is owed is said again; 2 s. Lower: more traffic. Higher: slower repair.</param>
/// <param name="PassivateAfter">An entity that owes nothing leaves memory after this time without messages.</param>
/// <param name="CopyEvery">After so many events of one entity its state is copied for its next recovery; 0: never.</param>
/// <param name="EpochOf">The owner's epoch of the entity whose context this is.</param>
public sealed record ShellSettings(
    TimeSpan TickEvery, TimeSpan PassivateAfter, int CopyEvery, Func<IActorContext, long> EpochOf)
{
    /// <summary>Where entities enter themselves while they wait for something; null: nowhere.</summary>
    public DebtBook? Debts { get; init; }

    /// <summary>When the fact that an entity replayed last was written; only for what is shown to operators. Null: not known.
    /// </summary>
    public Func<IActorContext, DateTimeOffset?> RecordedAt { get; init; } = static _ => null;

    /// <summary>The last restoration of the database from a backup; 0: it was never restored.</summary>
    public Func<long> Restoration { get; init; } = static () => 0;

    /// <summary>Only for what is shown to operators.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The message that asks the shard to stop the entity and to wake it again when the shard moves: for who
    /// owes nothing and runs something. An engine that knows no such message passivates it like any other.</summary>
    public Func<object> Doze { get; init; } = static () => new Passivate(PoisonPill.Instance);
}
