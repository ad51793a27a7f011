using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Orchestrator.Actors.Watching;

/// <summary>
/// What is noted of one entity while it is in memory, for metrics, traces and the question "why is it stuck". Written by
/// the entity alone; <see cref="Look"/> may be called by any thread. Nothing decides by what is noted here.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Close ends the spans, with the entity.")]
internal sealed class EntityWatch<TState, TCommand, TEvent, TEffect> : IOwing
    where TState : class
    where TCommand : class
    where TEvent : class
    where TEffect : class
{
    private const int Kept = 6;

    private readonly Rules<TState, TCommand, TEvent, TEffect> _rules;
    private readonly Guid _id;
    private readonly DebtBook? _book;
    private readonly TimeProvider _clock;
    private readonly KindMeters _meters;
    private readonly Lock _gate = new();
    private ImmutableArray<Debt> _debts = [];
    private ImmutableArray<Remark> _heard = [];
    private volatile TState? _state;
    private volatile Unreadable? _unreadable;
    private string? _cause;
    private Activity? _span;
    private Activity? _writing;
    private DateTimeOffset _lastFact;

    public EntityWatch(Rules<TState, TCommand, TEvent, TEffect> rules, Guid id, DebtBook? book, TimeProvider clock)
    {
        (_rules, _id, _book, _clock) = (rules, id, book, clock);
        _meters = ActorMeters.Of(rules.Kind);
        _meters.Came();
        Since = clock.GetUtcNow();
    }

    private sealed class Debt(TEffect effect, DateTimeOffset since)
    {
        public TEffect Effect { get; } = effect;

        public DateTimeOffset Since { get; } = since;

        public int Said { get; set; }

        public DateTimeOffset? LastSaid { get; set; }
    }

    public DateTimeOffset Since { get; }

    /// <summary>traceparent of the request whose work is under way.</summary>
    public string? Cause => _cause;

    /// <summary>A command is taken up. Until <see cref="Pause"/> its span, if it has one, is the present one.</summary>
    public void Begin(TCommand command)
    {
        if (command is not Traced { Trace: { } trace }) return;
        _span = EntityTraces.Begin($"{_rules.Kind} {command.GetType().Name}", trace, _rules.Kind, _id);
    }

    /// <summary>The command's turn is over; its facts may be on their way to the journal still.</summary>
    public void Pause()
    {
        if (_span is null) return;
        if (_writing is null) End();
        else Activity.Current = null;
    }

    public void Decided(TCommand command, Decision<TEvent, TEffect> decision)
    {
        _meters.Decided(decision switch
        {
            Decision<TEvent, TEffect>.Accept => CommandResult.Accepted,
            Decision<TEvent, TEffect>.Relay => CommandResult.Relayed,
            Decision<TEvent, TEffect>.Refuse => CommandResult.Refused,
            _ => CommandResult.AlreadyDone,
        });
        var refusal = decision as Decision<TEvent, TEffect>.Refuse;
        if (refusal is not null)
        {
            _meters.Refused(refusal.Fault);
            _span?.SetStatus(ActivityStatusCode.Error, refusal.Fault.ToString());
            if (refusal.Fault == Fault.StaleReport) return;
        }

        if (refusal is null && _debts.IsEmpty) return;
        if (_rules.Words?.Heard(command) is not { } what)
        {
            if (refusal is null) return;
            what = command.GetType().Name;
        }

        Hear(refusal is null ? what : $"{what}: refused ({refusal.Fault}{(refusal.Detail is { } d ? $": {d}" : "")})");
    }

    public void Writing(int facts)
    {
        if (_span is null) return;
        _writing = EntityTraces.Within(_span, "journal write")?.SetTag("orchestrator.journal.events", facts);
    }

    /// <summary>The journal holds the facts; the command's span is the present one again, for what follows.</summary>
    public void Written(ImmutableArray<TEvent> facts)
    {
        foreach (var fact in facts) Caused(fact);
        _lastFact = _clock.GetUtcNow();
        if (_span is null) return;
        _writing?.Dispose();
        _writing = null;
        Activity.Current = _span;
    }

    /// <summary>Whatever the journal answered instead.</summary>
    public void NotWritten(string why)
    {
        _writing?.SetStatus(ActivityStatusCode.Error, why).Dispose();
        _writing = null;
        _span?.SetStatus(ActivityStatusCode.Error, why);
        End();
    }

    /// <summary>All that follows from the facts was said.</summary>
    public void End()
    {
        if (_span is null) return;
        _span.Dispose();
        _span = null;
        Activity.Current = null;
    }

    /// <summary>A fact of the past was taken in again.</summary>
    public void Replayed(TEvent fact, TState state)
    {
        Caused(fact);
        if (_cause is not null && _rules.Outstanding(state).IsEmpty) _cause = null;
    }

    /// <summary>It cannot be read, so it will answer nothing else: that is what it is stuck on.</summary>
    public void CannotRead(Unreadable row, DateTimeOffset? lastFact)
    {
        _lastFact = lastFact ?? _clock.GetUtcNow();
        _unreadable = row;
        _book?.Open(this);
    }

    /// <param name="lastFact">When the last fact was journaled; null when that is not known.</param>
    public void Recovered(DateTimeOffset? lastFact) => _lastFact = lastFact ?? _clock.GetUtcNow();

    /// <summary>What is owed from now on. What was owed before keeps its age.</summary>
    public void Owes(TState state, ImmutableArray<TEffect> now)
    {
        _state = state;
        if (now.IsEmpty)
        {
            _cause = null;
            if (_debts.IsEmpty) return;
        }

        var before = _debts;
        var debts = ImmutableArray.CreateBuilder<Debt>(now.Length);
        foreach (var effect in now)
            debts.Add(before.FirstOrDefault(d => d.Effect.Equals(effect)) ?? new Debt(effect, _lastFact));
        lock (_gate) _debts = debts.MoveToImmutable();
        if (_debts.Any(IsDue)) _book?.Open(this);
        else _book?.Close(this);
    }

    /// <summary>An effect goes to the hands. Outside a command's turn it gets a span of its own under the request that
    /// caused it: the first time, and then ever more seldom.</summary>
    public Activity? Saying(TEffect effect)
    {
        foreach (var debt in _debts)
        {
            if (!debt.Effect.Equals(effect)) continue;
            lock (_gate)
            {
                debt.Said++;
                debt.LastSaid = _clock.GetUtcNow();
            }

            return _span is null && _cause is not null && (debt.Said & (debt.Said - 1)) == 0
                ? EntityTraces.Begin($"{_rules.Kind} owes {effect.GetType().Name}", _cause, _rules.Kind, _id)
                    ?.SetTag("orchestrator.debt.said", debt.Said)
                : null;
        }

        return null;
    }

    public Explanation Explain(TState state, long epoch, long sequence, Unreadable? unreadable, IReadOnlyList<Remark> troubles) => new()
    {
        IsResident = true,
        Epoch = epoch,
        ResidentSince = Since,
        Phase = state.GetType().Name,
        Sequence = sequence,
        Summary = _rules.Words?.Summary(state) ?? [],
        Unreadable = unreadable is { } row ? $"{row.Manifest}: {row.Reason}" : null,
        Debts = [.. Views()],
        Heard = _heard,
        Troubles = [.. troubles],
        Trace = _cause,
    };

    public Owing? Look()
    {
        if (_unreadable is { } row)
        {
            var upgrade = new DebtView(
                "Unreadable", $"an engine that can read its event {row.Manifest} ({row.Reason})", false, _lastFact, 0, null,
                null, "Upgrade this engine; nothing is lost, and nothing about it changes until then.");
            return new Owing(_rules.Kind, _id, "", "unreadable", _lastFact, [upgrade], null);
        }

        DebtView[] due;
        lock (_gate) due = [.. Views().Where(d => !d.IsStanding)];
        if (due.Length == 0 || _state is not { } state) return null;
        var name = _rules.Words?.Summary(state).FirstOrDefault(s => s.Key == "name").Value;
        return new Owing(
            _rules.Kind, _id, name ?? "", state.GetType().Name, due.Min(d => d.Since), due, _heard.LastOrDefault());
    }

    /// <summary>The entity leaves memory.</summary>
    public void Close()
    {
        _book?.Close(this);
        _writing?.Dispose();
        End();
        _meters.Went();
    }

    private IEnumerable<DebtView> Views() => _debts.Select(d => new DebtView(
        d.Effect.GetType().Name, Say(d.Effect) ?? d.Effect.GetType().Name, !IsDue(d), d.Since, d.Said, d.LastSaid,
        _rules.Words?.Asks(d.Effect), _rules.Words?.Remedy(d.Effect)));

    private bool IsDue(Debt debt) => Say(debt.Effect) is not null;

    private string? Say(TEffect effect) => _rules.Words is { } words ? words.Owed(effect) : effect.ToString();

    private void Caused(TEvent fact)
    {
        if (OriginOf<TEvent>.Find(fact)?.Trace is { } trace) _cause = trace;
    }

    /// <summary>The same thing heard again takes the place of what was heard before.</summary>
    private void Hear(string what)
    {
        var heard = _heard.RemoveAll(r => r.What == what);
        if (heard.Length == Kept) heard = heard.RemoveAt(0);
        lock (_gate) _heard = heard.Add(new Remark(_clock.GetUtcNow(), what));
    }
}
