using System.Collections.Immutable;

namespace Orchestrator.Actors.Watching;

/// <summary>How an operator is told what an entity is, what it owes, and what was answered to it. Pure.</summary>
/// <param name="Summary">The state in a few names and values.</param>
/// <param name="Owed">A debt as the object of "it waits for …"; null for what is owed all the time, such as a host's
/// link to its agent: that is never what something is stuck on.</param>
/// <param name="Asks">Whose answer the debt waits for, or null.</param>
/// <param name="Remedy">What an operator can do when the debt stays, as a sentence.</param>
/// <param name="Heard">A command as an answer to what was asked, or null: its name says enough.</param>
public sealed record Words<TState, TCommand, TEffect>(
    Func<TState, ImmutableArray<KeyValuePair<string, string>>> Summary,
    Func<TEffect, string?> Owed,
    Func<TEffect, Party?> Asks,
    Func<TEffect, string?> Remedy,
    Func<TCommand, string?> Heard)
    where TState : class
    where TCommand : class
    where TEffect : class;

/// <summary>Another entity, by kind and id.</summary>
public sealed record Party(string Kind, Guid Id);
