namespace Orchestrator.Engine;

/// <summary>Typed cases in the order of declaration; the first that accepts a message ends the search.</summary>
internal sealed class MatchCases
{
    private Case[] _cases = [];

    public void Add<T>(Func<T, bool> handler) => _cases = [.. _cases, new Typed<T>(handler)];

    public bool TryMatch(object message)
    {
        foreach (var one in _cases)
        {
            if (one.TryHandle(message)) return true;
        }
        return false;
    }

    private abstract class Case
    {
        public abstract bool TryHandle(object message);
    }

    private sealed class Typed<T>(Func<T, bool> handler) : Case
    {
        public override bool TryHandle(object message) => message is T typed && handler(typed);
    }
}
