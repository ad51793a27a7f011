using System.Globalization;

namespace Orchestrator;

/// <summary>Keeps a log readable while somebody knocks without end: one line per subject and minute, and the number of
/// those held back in the next. Knows a thousand subjects at most; further ones are held back while it is full.</summary>
internal sealed class LinePerMinute(TimeProvider clock)
{
    private const int Subjects = 1000;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (DateTimeOffset At, int Held)> _said = new(StringComparer.Ordinal);

    /// <returns>Whether the line may be written now.</returns>
    /// <param name="held">How many about this subject were held back since the last one.</param>
    public bool Take(string subject, out int held)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            held = 0;
            if (_said.TryGetValue(subject, out var last) && now - last.At < Minute)
            {
                _said[subject] = (last.At, last.Held + 1);
                return false;
            }

            if (_said.Count >= Subjects) Forget(now);
            if (_said.Count >= Subjects && !_said.ContainsKey(subject)) return false;
            held = last.Held;
            _said[subject] = (now, 0);
            return true;
        }
    }

    public static string More(int held) =>
        held == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({held} more of this since the last line)");

    private void Forget(DateTimeOffset now)
    {
        foreach (var (subject, last) in _said)
            if (now - last.At >= Minute) _said.Remove(subject);
    }
}
