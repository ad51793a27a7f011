namespace Orchestrator.Tests.Cluster.Checkers;

/// <summary>
/// What is true of every journal, whatever was written: numbers without gap, one writer at a time, and no writer that
/// comes back after a later one. A row of a former writer after a later writer's row is a zombie's.
/// </summary>
public static class JournalChecker
{
    /// <param name="rows">In any order.</param>
    public static IReadOnlyList<Violation> Check(IEnumerable<JournalFact> rows)
    {
        var violations = new List<Violation>();
        foreach (var entity in rows.GroupBy(r => r.PersistenceId))
        {
            var ordered = entity.OrderBy(r => r.SequenceNr).ToList();
            var former = new HashSet<string>();
            for (var i = 0; i < ordered.Count; i++)
            {
                var row = ordered[i];
                var expected = i == 0 ? 1 : ordered[i - 1].SequenceNr + 1;
                if (row.SequenceNr != expected)
                {
                    violations.Add(new Violation("sequence numbers have no gap",
                        $"{row.PersistenceId} has number {row.SequenceNr} where {expected} belongs"));
                }

                if (i == 0) continue;
                var previous = ordered[i - 1];
                if (row.Ordering <= previous.Ordering)
                {
                    violations.Add(new Violation("rows are inserted in the order of their numbers",
                        $"{row.PersistenceId} {row.SequenceNr} has ordering {row.Ordering}, its predecessor "
                        + $"{previous.Ordering}"));
                }

                if (row.Writer == previous.Writer) continue;
                former.Add(previous.Writer);
                if (former.Contains(row.Writer))
                {
                    violations.Add(new Violation("a former writer never writes again",
                        $"{row.PersistenceId} {row.SequenceNr} ({row.Manifest}) is by {row.Writer}, which {previous.Writer} "
                        + "had followed"));
                }
            }
        }

        return violations;
    }
}
