using Akka.Actor;

namespace Orchestrator.Actors;

/// <summary>
/// What carries an entity's effects into the world. Effects come at least once, again at every tick while they are
/// owed; results come back to <see cref="Reach{TState}.Self"/> as commands. Never blocks.
/// </summary>
public interface IHands<TState, TEffect> : IDisposable
{
    void Do(TEffect effect, Reach<TState> reach);
}

/// <param name="Epoch">The owner's epoch of the entity's shard: receivers refuse lower ones.</param>
public readonly record struct Reach<TState>(TState State, long Epoch, IActorRef Self);
