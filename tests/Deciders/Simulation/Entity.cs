using System.Collections.Immutable;
using Orchestrator.Actors;

namespace Orchestrator.Tests.Deciders.Simulation;

/// <summary>The shell's order of things, without actors: decide, journal, evolve, effects; a crash may fall in between.</summary>
internal sealed class Entity<TState, TCommand, TEvent, TEffect>(
    World world, string name, TState state, Func<TState, TCommand, Decision<TEvent, TEffect>> decide,
    Func<TState, TEvent, TState> evolve, Func<TState, ImmutableArray<TEffect>> outstanding, Action<TEffect> hands)
    where TState : class
    where TEvent : class
{
    private TState _journaled = state;

    public TState State { get; private set; } = state;

    public Decision<TEvent, TEffect> Take(TCommand command)
    {
        var decision = decide(State, command);
        switch (decision)
        {
            case Decision<TEvent, TEffect>.Relay relay:
                foreach (var effect in relay.Effects) hands(effect);
                break;
            case Decision<TEvent, TEffect>.Accept accept:
                var before = outstanding(State);
                foreach (var fact in accept.Facts)
                {
                    State = evolve(State, fact);
                    if (fact is IUnrecorded) continue;
                    _journaled = evolve(_journaled, fact);
                    world.Log($"{name}: {fact}");
                }

                // The journal holds it; whoever should have acted upon it died, and what was never journaled died with him.
                // The next tick reads off the state what is owed.
                if (world.Crashes())
                {
                    State = _journaled;
                    break;
                }

                foreach (var effect in outstanding(State).Except(before).Concat(accept.Then)) hands(effect);
                break;
        }

        return decision;
    }

    public void Tick()
    {
        foreach (var effect in outstanding(State)) hands(effect);
    }
}
