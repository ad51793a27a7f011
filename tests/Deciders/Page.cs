using System.Collections.Immutable;
using System.Text;
using Orchestrator.Actors;
using Orchestrator.Api;

namespace Orchestrator.Tests.Deciders;

/// <summary>
/// A page about the life of one kind of entity: what its rules make of each command in each phase, what each phase owes,
/// and what oVirt calls each refusal. It is complete when <see cref="Missing"/> names nothing.
/// </summary>
public sealed class Page<TState, TCommand, TEvent, TEffect>
    where TState : class
    where TCommand : class
    where TEvent : class
    where TEffect : class
{
    private const string Reading = """
        In the tables: `Fact → *Phase*` is journaled and changes the phase; `→ Effect` is passed on and remembered by
        nobody; `·` is success, because it is so already or means nothing here; `✗ Fault` is refused and changes
        nothing. The last table says what oVirt calls each fault.

        """;

    private readonly StringBuilder _text = new();
    private readonly List<Fault> _before = [];
    private readonly (string Name, TState State)[] _phases;
    private readonly Func<TState, ImmutableArray<TEffect>> _outstanding;
    private readonly Table<TState, TCommand, TEvent, TEffect> _table;

    public Page(
        string introduction, (string Name, TState State)[] phases,
        Func<TState, TCommand, Decision<TEvent, TEffect>> decide, Func<TState, TEvent, TState> evolve,
        Func<TState, ImmutableArray<TEffect>> outstanding)
    {
        _phases = phases;
        _outstanding = outstanding;
        _table = new(decide, evolve);
        _text.Append(introduction.ReplaceLineEndings("\n")).Append('\n').Append(Reading.ReplaceLineEndings("\n"));
    }

    public Page<TState, TCommand, TEvent, TEffect> With(
        string title, string note, (string, Func<TState, TCommand>)[] columns)
    {
        _text.Append($"\n## {title}\n\n{(note == "" ? "" : note + "\n\n")}{_table.Of(_phases, columns)}");
        return this;
    }

    /// <summary>Faults that the API answers with of itself, before it asks the rules.</summary>
    public Page<TState, TCommand, TEvent, TEffect> Before(params Fault[] faults)
    {
        _before.AddRange(faults);
        return this;
    }

    public string Text() => $"{_text}\n## What is owed\n\n{Owed()}\n## What oVirt calls each fault\n\n{Words()}";

    /// <summary>Phases without a row, commands without a column, facts and effects that no cell shows.</summary>
    public IEnumerable<string> Missing() =>
    [
        .. Making.Family(typeof(TState)).Except(_phases.Select(p => p.State.GetType())).Select(t => $"no row for {t.Name}"),
        .. Making.Family(typeof(TCommand)).Except(_table.Commands).Select(t => $"no column for {t.Name}"),
        .. Making.Family(typeof(TEvent)).Except(_table.Facts).Select(t => $"no cell shows {t.Name}"),
        .. Making.Family(typeof(TEffect)).Except(_table.Effects).Except(Debts().Select(e => e.GetType()))
            .Select(t => $"no cell and no debt shows {t.Name}"),
    ];

    private IEnumerable<TEffect> Debts() => _phases.SelectMany(p => _outstanding(p.State).AsEnumerable());

    private string Owed() => !Debts().Any()
        ? "Nothing, in any phase.\n"
        : $"| | |\n|---|---|\n{string.Concat(_phases.Select(p => $"| **{p.Name}** | {Names(p.State)} |\n"))}";

    private string Names(TState state) => string.Join(", ", _outstanding(state).Select(e => e.GetType().Name));

    private string Words() =>
        "| Fault | oVirt's message | HTTP status |\n|---|---|---|\n"
        + string.Concat(_table.Faults.Union(_before).Order().Select(Word));

    private static string Word(Fault fault)
    {
        var row = FaultTable.Of(fault);
        return $"| {fault} | {(row.Key is null ? "none: oVirt has no such refusal" : $"`{row.Key}`")} | {row.Status} |\n";
    }
}
