using Akka.Actor;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors;

/// <summary>
/// What carries an entity's effects into the world. Effects come at least once, again at every tick while they are
/// owed; results come back to <see cref="Reach{TState}.Self"/> as commands. Never blocks.
/// </summary>
public interface IHands<TState, TEffect> : IDisposable
{
    void Do(TEffect effect, Reach<TState> reach);

    /// <summary>What went wrong lately, newest last; for operators. Called by the entity only.</summary>
    IReadOnlyList<Remark> Troubles => [];
}

/// <param name="Epoch">The owner's epoch of the entity's shard: receivers refuse lower ones.</param>
public readonly record struct Reach<TState>(TState State, long Epoch, IActorRef Self);
