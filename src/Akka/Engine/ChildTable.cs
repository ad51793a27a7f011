using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>The children of one actor by name, in the order of birth. Read from any thread.</summary>
internal sealed class ChildTable
{
    private readonly Dictionary<string, ChildStats> _byName = [];
    private readonly HashSet<EngineRef> _dying = [];
    private long _nextName;
    private bool _closed;

    public bool IsEmpty
    {
        get { lock (_byName) return _byName.Count == 0; }
    }

    /// <summary>True while a child that was told to stop still lives.</summary>
    public bool AnyDying
    {
        get { lock (_byName) return _dying.Count > 0; }
    }

    public LocalActorRef Add(string? name, Func<string, LocalActorRef> make)
    {
        lock (_byName)
        {
            if (_closed) throw new InvalidOperationException("Cannot create child while terminating or terminated");
            var chosen = name ?? RandomName(_nextName++);
            if (_byName.ContainsKey(chosen))
                throw new InvalidActorNameException($"Actor name \"{chosen}\" is not unique!");
            var child = make(chosen);
            _byName.Add(chosen, new ChildStats(child));
            return child;
        }
    }

    public ChildStats? Find(string name)
    {
        lock (_byName) return _byName.GetValueOrDefault(name);
    }

    public ChildStats? Find(EngineRef child) =>
        Find(child.Path.Name) is { } found && ReferenceEquals(found.Ref, child) ? found : null;

    public LocalActorRef[] All()
    {
        lock (_byName) return [.. _byName.Values.Select(stats => stats.Ref)];
    }

    public void MarkDying(EngineRef child)
    {
        lock (_byName)
        {
            if (Find(child) is not null) _dying.Add(child);
        }
    }

    public bool Remove(EngineRef child)
    {
        lock (_byName)
        {
            if (Find(child) is null) return false;
            _dying.Remove(child);
            return _byName.Remove(child.Path.Name);
        }
    }

    public void Close()
    {
        lock (_byName) _closed = true;
    }

    internal static string RandomName(long number)
    {
        const string digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+~";
        Span<char> text = stackalloc char[12];
        var length = 0;
        text[length++] = '$';
        do
        {
            text[length++] = digits[(int)(number & 63)];
            number >>= 6;
        }
        while (number > 0);
        return new string(text[..length]);
    }
}
