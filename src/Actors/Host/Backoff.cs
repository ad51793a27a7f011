namespace Orchestrator.Actors.Host;

/// <summary>
/// Who is to be asked next: few at a time, and each less and less often. A VM that finds no other host must not fill its
/// journal and the event log with attempts. Any thread may call it.
/// </summary>
/// <param name="first">Pause after the first attempt, see <see cref="Pause"/>. So long an attempt counts as under way.</param>
internal sealed class Backoff(TimeSpan first)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, (DateTimeOffset At, int Times)> _asked = [];

    /// <summary>The first of those that may be asked now; they count as asked.</summary>
    /// <param name="all">Who is not among them is forgotten.</param>
    /// <param name="may">Which of them may be asked at all.</param>
    /// <param name="atMost">So many at a time, those that were asked a moment ago included.</param>
    public IReadOnlyList<Guid> Due(IReadOnlyCollection<Guid> all, Func<Guid, bool> may, int atMost, DateTimeOffset now)
    {
        lock (_gate)
        {
            foreach (var gone in _asked.Keys.Except(all).ToList()) _asked.Remove(gone);
            var those = all.Where(may).ToList();
            var fresh = those.Count(who => _asked.TryGetValue(who, out var last) && Within(last.At, first, now));
            var due = those.Where(who => !_asked.TryGetValue(who, out var last) || !Within(last.At, Pause.After(last.Times, first), now))
                .Take(atMost - fresh).ToList();
            foreach (var who in due)
                _asked[who] = (now, _asked.GetValueOrDefault(who).Times + 1);
            return due;
        }
    }

    public void Forget()
    {
        lock (_gate) _asked.Clear();
    }

    /// <summary>A clock that was set back is no pause.</summary>
    private static bool Within(DateTimeOffset since, TimeSpan pause, DateTimeOffset now) => now >= since && now - since < pause;
}
