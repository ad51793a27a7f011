namespace Orchestrator.Agent;

/// <summary>Makes rates of counters that only rise. Not shared between threads.</summary>
internal sealed class Traffic(TimeProvider time)
{
    private readonly Dictionary<GuestKey, Sample> _before = [];

    /// <summary>Takes a guest's counters.</summary>
    /// <returns>How much one of them has risen in a second since they were taken last; null of the first time, and of a
    /// counter that is new or has begun anew.</returns>
    public Func<string, double?> Take(GuestKey guest, IReadOnlyDictionary<string, long> counters)
    {
        var now = new Sample(time.GetTimestamp(), counters);
        var before = _before.GetValueOrDefault(guest);
        _before[guest] = now;
        if (before is null) return static _ => null;
        var seconds = time.GetElapsedTime(before.At, now.At).TotalSeconds;
        return name => seconds > 0 && before.Counters.TryGetValue(name, out var was) && counters.TryGetValue(name, out var value) && value >= was
            ? (value - was) / seconds
            : null;
    }

    /// <param name="here">Guests that are still here.</param>
    public void Keep(IReadOnlySet<GuestKey> here)
    {
        foreach (var guest in _before.Keys.Where(g => !here.Contains(g)).ToList()) _before.Remove(guest);
    }

    private sealed record Sample(long At, IReadOnlyDictionary<string, long> Counters);
}
