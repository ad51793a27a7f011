namespace Orchestrator.Actors;

/// <summary>For an entity that asks nothing of the world.</summary>
public sealed class NoHands<TState, TEffect> : IHands<TState, TEffect>
{
    public void Do(TEffect effect, Reach<TState> reach)
    {
    }

    public void Dispose()
    {
    }
}
