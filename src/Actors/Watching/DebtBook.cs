using System.Collections.Concurrent;

namespace Orchestrator.Actors.Watching;

/// <summary>Which entities of this node wait for something, and for how long. Each node knows its own.</summary>
public sealed class DebtBook
{
    private readonly ConcurrentDictionary<IOwing, byte> _owing = new();

    public void Open(IOwing entity) => _owing[entity] = 0;

    public void Close(IOwing entity) => _owing.TryRemove(entity, out _);

    /// <summary>Those that wait for something since before that time, who waits longest first.</summary>
    public IReadOnlyList<Owing> Since(DateTimeOffset before) =>
    [
        .. _owing.Keys.Select(o => o.Look()).OfType<Owing>().Where(o => o.Since <= before).OrderBy(o => o.Since),
    ];
}

/// <summary>An entity that may wait for something.</summary>
public interface IOwing
{
    /// <summary>Null when it waits for nothing at this moment. Called by any thread.</summary>
    Owing? Look();
}

/// <param name="Since">Since when the oldest of its debts is owed.</param>
public sealed record Owing(
    string Kind, Guid Id, string Name, string Phase, DateTimeOffset Since, IReadOnlyList<DebtView> Debts, Remark? LastHeard);
