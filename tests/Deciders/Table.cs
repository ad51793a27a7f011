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
    private readonly HashSet<Type> _facts = [];

    /// <summary>Facts that some cell has shown.</summary>
    public IReadOnlySet<Type> Facts => _facts;

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
        switch (decide(state, command))
        {
            case Decision<TEvent, TEffect>.Refuse refusal:
                return $"✗ {refusal.Fault}";
            case Decision<TEvent, TEffect>.Relay relay:
                return string.Join(", ", relay.Effects.Select(e => $"→ {e.GetType().Name}"));
            case Decision<TEvent, TEffect>.Accept accept:
                foreach (var fact in accept.Facts) _facts.Add(fact.GetType());
                var next = accept.Facts.Aggregate(state, evolve);
                var then = string.Concat(accept.Then.Select(e => $", → {e.GetType().Name}"));
                return string.Join(" + ", accept.Facts.Select(f => f.GetType().Name))
                    + (next.GetType() == state.GetType() ? "" : $" → *{next.GetType().Name}*") + then;
            default:
                return "·";
        }
    }
}
