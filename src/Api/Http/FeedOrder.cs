using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.Http;

/// <summary>
/// Puts lines of the log into the order of their numbers. Numbers are given before lines are committed, so a lower one may
/// come later, or never: a line waits for those below it for a moment, and one that comes later still is told out of turn.
/// </summary>
public sealed class FeedOrder(long told, TimeSpan patience, TimeSpan memory)
{
    private const int WidestGap = 1_000;
    private readonly SortedDictionary<long, AuditRow> _waiting = [];
    private readonly SortedDictionary<long, DateTimeOffset> _missing = [];
    private long _seen = told;

    /// <summary>Begins behind these: they are told already, and what is missing between them may still come.</summary>
    public static FeedOrder After(IReadOnlyList<AuditRow> last, DateTimeOffset now, TimeSpan patience, TimeSpan memory)
    {
        var order = new FeedOrder(last.Count == 0 ? 0 : last.Min(row => row.Id) - 1, patience, memory);
        order.Take(last, now - patience);
        order.Take([], now);
        return order;
    }

    /// <summary>All that is told or still missed lies above this.</summary>
    public long Floor => _missing.Count > 0 ? Math.Min(_missing.Keys.First() - 1, _seen) : _seen;

    /// <summary>Takes lines above <see cref="Floor"/>, in any order and any number of times, and answers those whose turn it is.</summary>
    public IReadOnlyList<AuditRow> Take(IEnumerable<AuditRow> rows, DateTimeOffset now)
    {
        foreach (var row in rows.OrderBy(row => row.Id))
        {
            if (row.Id > _seen)
            {
                for (var id = Math.Max(_seen + 1, row.Id - WidestGap); id < row.Id; id++) _missing[id] = now;
                _seen = row.Id;
                _waiting[row.Id] = row;
            }
            else if (_missing.Remove(row.Id)) _waiting[row.Id] = row;
        }

        foreach (var id in _missing.Where(gap => now - gap.Value > memory).Select(gap => gap.Key).ToList()) _missing.Remove(id);
        var blocked = _missing.Where(gap => now - gap.Value < patience).Select(gap => gap.Key).DefaultIfEmpty(long.MaxValue).First();
        var ready = _waiting.Values.TakeWhile(row => row.Id < blocked).ToList();
        foreach (var row in ready) _waiting.Remove(row.Id);
        return ready;
    }
}
