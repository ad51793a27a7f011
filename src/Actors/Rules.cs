using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors;

/// <summary>Everything that makes a kind of entity what it is, as pure functions. The one shell does the rest.</summary>
/// <param name="Kind">One of <see cref="Kinds"/>.</param>
/// <param name="View">The document that lists and clients see; null while there is nothing to see.</param>
/// <param name="Line">The line a fact leaves in the audit log, or null.</param>
/// <param name="Jobs">The jobs a fact begins or ends.</param>
public sealed record Rules<TState, TCommand, TEvent, TEffect>(
    string Kind,
    Func<Guid, TState> Initial,
    Func<TState, TCommand, Decision<TEvent, TEffect>> Decide,
    Func<TState, TEvent, TState> Evolve,
    Func<TState, ImmutableArray<TEffect>> Outstanding,
    Func<TState, object?> View,
    Func<TState, TEvent, TState, AuditLine?> Line,
    Func<TState, TEvent, TState, ImmutableArray<JobView>> Jobs)
    where TState : class
    where TCommand : class
    where TEvent : class
    where TEffect : class
{
    /// <summary>False when a state holds what no event says and reports must rebuild: it is then never copied.</summary>
    public bool Copied { get; init; } = true;

    /// <summary>How an operator is told what an entity of this kind is and waits for. Null: in the code's own words.</summary>
    public Words<TState, TCommand, TEffect>? Words { get; init; }

    /// <summary>Further rows that a fact leaves in the read model.</summary>
    public Func<TState, TEvent, TState, ImmutableArray<Row>> Rows { get; init; } = static (_, _, _) => [];

    /// <summary>Whether something runs in the world under this entity: it is brought back at once when its shard moves.</summary>
    public Func<TState, bool> Runs { get; init; } = static _ => false;

    /// <summary>What an entity is told first of all when its database was restored from a backup since it was written down: the
    /// number of the restoration, and the time. Null: it does not matter to it.</summary>
    public Func<TState, long, DateTimeOffset, TCommand?> Restored { get; init; } = static (_, _, _) => null;

    /// <summary>What happens to a state when facts are taken in, and every row that is true with them.</summary>
    /// <param name="version">Sequence number of the last fact.</param>
    public Told<TState> Tell(Guid id, TState before, ImmutableArray<TEvent> facts, long version)
    {
        var rows = ImmutableArray.CreateBuilder<CompanionDocument>();
        var lines = ImmutableArray.CreateBuilder<string>();
        var state = before;
        var number = version - facts.Length;
        foreach (var fact in facts)
        {
            number++;
            var next = Evolve(state, fact);
            if (Line(state, fact, next) is { } line)
            {
                lines.Add(line.Description);
                rows.Add(new CompanionDocument(
                    CompanionDocument.Audit, $"{Kind}-{id}/{number}", number, WireJson.Write(line)));
            }

            foreach (var job in Jobs(state, fact, next))
                rows.Add(new CompanionDocument(
                    CompanionDocument.Object, $"{Kinds.Job}/{job.Id}", number, WireJson.Write(job)));
            foreach (var row in Rows(state, fact, next))
                rows.Add(new CompanionDocument(
                    CompanionDocument.Object, $"{row.Kind}/{row.Id}", number, WireJson.Write(row.View)));
            state = next;
        }

        var view = View(state) is { } seen ? WireJson.Write(seen) : null;
        rows.Add(new CompanionDocument(
            view is null ? CompanionDocument.Gone : CompanionDocument.Object, $"{Kind}/{id}", version, view ?? "{}"));
        return new Told<TState>(state, rows.ToImmutable(), view, lines.ToImmutable());
    }
}

/// <summary>What follows from facts: the next state, the rows, the view as JSON (null: gone), the lines for the log.</summary>
public sealed record Told<TState>(
    TState Next, ImmutableArray<CompanionDocument> Rows, string? View, ImmutableArray<string> Lines);

/// <summary>A row that is written in the transaction of the facts it follows from.</summary>
/// <param name="Kind">Which statement writes it.</param>
/// <param name="Key">"kind/id" of an object, or the fact's own address for an audit line.</param>
/// <param name="Version">Replaces only an older one.</param>
public sealed record CompanionDocument(string Kind, string Key, long Version, string Json)
{
    public const string Object = "object";
    public const string Gone = "gone";
    public const string Audit = "audit";
}

/// <summary>A document besides the entity's own.</summary>
public sealed record Row(string Kind, Guid Id, object View);

/// <summary>A fact on its way to the journal, with the rows that become true with it.</summary>
public sealed record Recorded(object Fact, ImmutableArray<CompanionDocument> Rows);

/// <summary>A stored fact that this version cannot read. The entity answers nothing but that, and changes nothing.</summary>
public sealed record Unreadable(string Manifest, string Reason);
