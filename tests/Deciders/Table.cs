using System.Text;
using Orchestrator.Actors;

namespace Orchestrator.Tests.Deciders;

/// <summary>What a decider makes of each command in each phase, as a Markdown table that people read.</summary>
public sealed class Table<TState, TCommand, TEvent, TEffect>(
    Func<TState, TCommand, Decision<TEvent, TEffect>> decide, Func<TState, TEvent, TState> evolve)
    where TState : class
    where TCommand : class
    where TEvent : class
    where TEffect : class
{
    private readonly HashSet<Type> _commands = [], _facts = [], _effects = [];
    private readonly HashSet<Fault> _faults = [];

    /// <summary>Commands that had a column.</summary>
    public IReadOnlySet<Type> Commands => _commands;

    /// <summary>Facts that some cell has shown.</summary>
    public IReadOnlySet<Type> Facts => _facts;

    /// <summary>Effects that some cell has shown.</summary>
    public IReadOnlySet<Type> Effects => _effects;

    /// <summary>Faults that some cell has shown.</summary>
    public IReadOnlySet<Fault> Faults => _faults;

    public string Of(IEnumerable<(string Name, TState State)> phases, params (string Name, Func<TState, TCommand> Make)[] columns)
    {
        var text = new StringBuilder();
        text.AppendLine($"| | {string.Join(" | ", columns.Select(c => c.Name))} |");
        text.AppendLine($"|---|{string.Concat(columns.Select(_ => "---|"))}");
        foreach (var (name, state) in phases)
            text.AppendLine($"| **{name}** | {string.Join(" | ", columns.Select(c => Cell(state, c.Make(state))))} |");
        return text.ToString();
    }

    private string Cell(TState state, TCommand command)
    {
        _commands.Add(command.GetType());
        switch (decide(state, command))
        {
            case Decision<TEvent, TEffect>.Refuse refusal:
                _faults.Add(refusal.Fault);
                return $"✗ {refusal.Fault}";
            case Decision<TEvent, TEffect>.Relay relay:
                _effects.UnionWith(relay.Effects.Select(e => e.GetType()));
                return string.Join(", ", relay.Effects.Select(e => $"→ {e.GetType().Name}"));
            case Decision<TEvent, TEffect>.Accept accept:
                _facts.UnionWith(accept.Facts.Select(f => f.GetType()));
                _effects.UnionWith(accept.Then.Select(e => e.GetType()));
                var next = accept.Facts.Aggregate(state, evolve);
                var then = string.Concat(accept.Then.Select(e => $", → {e.GetType().Name}"));
                return string.Join(" + ", accept.Facts.Select(f => f.GetType().Name))
                    + (next.GetType() == state.GetType() ? "" : $" → *{next.GetType().Name}*") + then;
            default:
                return "·";
        }
    }
}
