using System.Collections.Immutable;

namespace Orchestrator.Engine;

/// <summary>
/// Where each shard should live. Pure and deterministic: the same members and shards give the same answer everywhere.
/// Laws: every shard of a type has a home among the members that are up and carry the type, if there is one; the homes
/// of a type differ by at most one between members; no more shards move than that needs; a shard whose owner is gone is
/// taken at once under a higher epoch, a shard whose owner lives only gets a <see cref="ShardRow.Next"/>.
/// </summary>
public static class ShardAllocation
{
    /// <summary>Answers the shards that change, and nothing else.</summary>
    public static ImmutableArray<ShardRow> Plan(
        ImmutableArray<NodeRow> members, IEnumerable<ShardRow> shards)
    {
        var alive = members.ToDictionary(m => m.Node.Id);
        var load = members.ToDictionary(m => m.Node.Id, _ => 0);
        var changes = ImmutableArray.CreateBuilder<ShardRow>();
        foreach (var type in shards.GroupBy(s => s.Key.Type).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var carriers = members
                .Where(m => m.Status == NodeStatus.Up && m.ShardTypes.Contains(type.Key))
                .OrderBy(m => m.JoinedAt).ThenBy(m => m.Node.Id.Value)
                .Select(m => m.Node.Id).ToArray();
            var rows = type.OrderBy(s => s.Key.Shard, StringComparer.Ordinal).ToArray();
            var homes = Homes(rows, carriers, load);
            foreach (var row in rows)
            {
                var home = homes.TryGetValue(row.Key, out var found) ? found : (NodeId?)null;
                if (home is { } loaded) load[loaded]++;
                var change = Change(row, home, alive);
                if (change != row) changes.Add(change);
            }
        }

        return changes.ToImmutable();
    }

    private static ShardRow Change(ShardRow row, NodeId? home, Dictionary<NodeId, NodeRow> alive)
    {
        if (row.Owner is { } owner && alive.ContainsKey(owner))
            return row with { Next = home is null || home == owner ? null : home };

        // The epoch rises even when nobody can take the shard: whoever had it must not write any more.
        if (home is null && row.Owner is null) return row with { Next = null };
        return row with { Owner = home, Epoch = row.Epoch + 1, Next = null };
    }

    private static Dictionary<ShardKey, NodeId> Homes(ShardRow[] rows, NodeId[] carriers, Dictionary<NodeId, int> load)
    {
        var homes = new Dictionary<ShardKey, NodeId>();
        if (carriers.Length == 0) return homes;

        var held = carriers.ToDictionary(c => c, _ => new List<ShardRow>());
        var homeless = new List<ShardRow>();
        foreach (var row in rows)
        {
            if (row.Next is { } next && held.TryGetValue(next, out var arriving)) arriving.Add(row);
            else if (row.Owner is { } owner && held.TryGetValue(owner, out var kept)) kept.Add(row);
            else homeless.Add(row);
        }

        var target = Targets(rows.Length, carriers, held, load);
        foreach (var carrier in carriers)
        {
            var mine = held[carrier];
            // What has not arrived yet moves elsewhere at no cost, so it goes first.
            var surplus = mine.OrderBy(r => r.Owner == carrier ? 1 : 0)
                .Take(Math.Max(0, mine.Count - target[carrier])).ToHashSet();
            homeless.AddRange(surplus);
            mine.RemoveAll(surplus.Contains);
        }

        // A shard that was on its way may simply stay where it is.
        foreach (var row in homeless.ToArray())
        {
            if (row.Owner is not { } owner || !held.TryGetValue(owner, out var kept)) continue;
            if (kept.Count >= target[owner]) continue;
            kept.Add(row);
            homeless.Remove(row);
        }

        foreach (var row in homeless.OrderBy(r => r.Key.Shard, StringComparer.Ordinal))
            held[carriers.MaxBy(c => target[c] - held[c].Count)].Add(row);

        foreach (var (carrier, mine) in held)
            foreach (var row in mine) homes[row.Key] = carrier;
        return homes;
    }

    /// <summary>Those who hold most keep the odd shards; among equals, those with least of the other types.</summary>
    private static Dictionary<NodeId, int> Targets(
        int count, NodeId[] carriers, Dictionary<NodeId, List<ShardRow>> held, Dictionary<NodeId, int> load)
    {
        var odd = count % carriers.Length;
        return carriers
            .OrderByDescending(c => held[c].Count).ThenBy(c => load[c])
            .Select((c, i) => (c, n: (count / carriers.Length) + (i < odd ? 1 : 0)))
            .ToDictionary(x => x.c, x => x.n);
    }
}
