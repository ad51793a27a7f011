namespace Orchestrator.Tests.Cluster.Checkers;

/// <summary>
/// Who may write: epochs of a shard never fall, an epoch has one owner, and an incarnation of an entity that wrote
/// under one epoch writes nothing under the next: its node has lost the shard.
/// </summary>
public static class EpochChecker
{
    /// <param name="changes">In the order in which the database made them.</param>
    public static IReadOnlyList<Violation> CheckEpochs(IEnumerable<EpochFact> changes)
    {
        var violations = new List<Violation>();
        var last = new Dictionary<string, EpochFact>();
        foreach (var change in changes)
        {
            if (last.TryGetValue(change.Shard, out var before))
            {
                if (change.Epoch < before.Epoch)
                {
                    violations.Add(new Violation("epochs never fall",
                        $"shard {change.Shard} went from epoch {before.Epoch} to {change.Epoch}"));
                }

                if (change.Epoch == before.Epoch && change.Owner != before.Owner
                    && before.Owner != "" && change.Owner != "")
                {
                    violations.Add(new Violation("an epoch has one owner",
                        $"shard {change.Shard} epoch {change.Epoch} went from {before.Owner} to {change.Owner}"));
                }
            }

            last[change.Shard] = change;
        }

        return violations;
    }

    /// <param name="shardOf">The shard of a persistence id, or null when it is not sharded.</param>
    public static IReadOnlyList<Violation> CheckWriters(
        IEnumerable<JournalFact> rows, IEnumerable<EpochFact> changes, Func<string, string?> shardOf)
    {
        var violations = new List<Violation>();
        var byShard = changes.GroupBy(c => c.Shard).ToDictionary(g => g.Key, g => g.OrderBy(c => c.At).ToList());
        foreach (var entity in rows.GroupBy(r => r.PersistenceId))
        {
            if (shardOf(entity.Key) is not { } shard || !byShard.TryGetValue(shard, out var epochs)) continue;
            foreach (var writer in entity.GroupBy(r => r.Writer))
            {
                var ordered = writer.OrderBy(r => r.Ordering).ToList();
                var began = At(epochs, ordered[0].At);
                foreach (var row in ordered)
                {
                    var now = At(epochs, row.At);
                    if (now?.Epoch != began?.Epoch)
                    {
                        violations.Add(new Violation("a node that lost a shard writes nothing",
                            $"{row.PersistenceId} {row.SequenceNr} ({row.Manifest}) was written at {row.At:HH:mm:ss.fff} "
                            + $"under epoch {now?.Epoch} of shard {shard} by {row.Writer} on node {row.Node}, which began "
                            + $"under epoch {began?.Epoch}"));
                        break;
                    }

                    if (row.Node != "" && now is not null && now.Owner != row.Node)
                    {
                        violations.Add(new Violation("only the owner writes",
                            $"{row.PersistenceId} {row.SequenceNr} ({row.Manifest}) was written at {row.At:HH:mm:ss.fff} "
                            + $"by node {row.Node}; shard {shard} is owned by {now.Owner} under epoch {now.Epoch}"));
                        break;
                    }
                }
            }
        }

        return violations;
    }

    /// <summary>Needs no knowledge of where an entity lives: a node that was buried owns no shard at all, and from that
    /// moment none of its connections may write.</summary>
    public static IReadOnlyList<Violation> CheckOwners(IEnumerable<JournalFact> rows, IEnumerable<EpochFact> changes)
    {
        var violations = new List<Violation>();
        var pending = new Queue<EpochFact>(changes.OrderBy(c => c.At));
        var owners = new Dictionary<string, string>();
        foreach (var row in rows.Where(r => r.Node != "").OrderBy(r => r.At))
        {
            while (pending.TryPeek(out var change) && change.At <= row.At) owners[change.Shard] = pending.Dequeue().Owner;
            if (!owners.ContainsValue(row.Node))
            {
                violations.Add(new Violation("only owners write",
                    $"{row.PersistenceId} {row.SequenceNr} ({row.Manifest}) was written at {row.At:HH:mm:ss.fff} by node "
                    + $"{row.Node}, which owned no shard then"));
            }
        }

        return violations;
    }

    private static EpochFact? At(List<EpochFact> epochs, DateTimeOffset at) => epochs.LastOrDefault(e => e.At <= at);
}
