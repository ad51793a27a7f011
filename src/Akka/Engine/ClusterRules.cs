using System.Collections.Immutable;

namespace Orchestrator.Engine;

/// <summary>
/// What may change in the table of members and shards, as pure functions: both stores apply them, so both agree.
/// A function that changes nothing answers the very view it was given; every change raises the version by one.
/// </summary>
public static class ClusterRules
{
    public static ClusterView Join(
        ClusterView view, NodeDescription self, IReadOnlySet<NodeId> dead, DateTimeOffset now) =>
        Settle(
            view with
            {
                Members = view.Members.RemoveAll(m => dead.Contains(m.Node.Id))
                    .Add(new NodeRow(self, NodeStatus.Up, now, self.ShardTypes)),
            },
            view);

    /// <summary>Removes members that are proved dead, or that leave for good, and gives their shards away.</summary>
    public static ClusterView Bury(ClusterView view, IReadOnlySet<NodeId> dead) =>
        view.Members.Any(m => dead.Contains(m.Node.Id))
            ? Settle(view with { Members = view.Members.RemoveAll(m => dead.Contains(m.Node.Id)) }, view)
            : view;

    public static ClusterView Leave(ClusterView view, NodeId self) =>
        WithMember(view, self, row => row with { Status = NodeStatus.Leaving });

    public static ClusterView Register(ClusterView view, NodeId self, string type, ImmutableArray<string> shards)
    {
        var missing = shards.Select(s => new ShardKey(type, s)).Where(k => !view.Shards.ContainsKey(k)).Distinct()
            .Select(k => KeyValuePair.Create(k, new ShardRow(k, null, 0, null))).ToArray();
        var next = WithMember(view, self, row => row.ShardTypes.Contains(type)
            ? row
            : row with { ShardTypes = row.ShardTypes.Add(type) });
        return missing.Length == 0 ? next : Settle(next with { Shards = next.Shards.AddRange(missing) }, view);
    }

    /// <summary>Only the owner under that epoch can hand a shard over, and only to the member it is meant for.</summary>
    public static ClusterView HandOver(ClusterView view, NodeId self, ShardKey key, long epoch)
    {
        if (!view.Shards.TryGetValue(key, out var row)) return view;
        if (row.Owner != self || row.Epoch != epoch || row.Next is not { } next) return view;
        return view with
        {
            Version = view.Version + 1,
            Shards = view.Shards.SetItem(key, row with { Owner = next, Epoch = epoch + 1, Next = null }),
        };
    }

    /// <summary>
    /// The database is a copy of an earlier one: what was given after the copy was made is not known, and must never be given
    /// again. So all numbers go on above those that any copy of this database can have given. The restoration is numbered by
    /// the clock, because an older copy does not know of restorations after it.
    /// </summary>
    public static ClusterView Restored(ClusterView view, DateTimeOffset now)
    {
        var number = Math.Max(view.Restoration + 1, (long)(now - _restorationsCountFrom).TotalSeconds);
        return view with
        {
            Version = view.Version + 1,
            Restoration = number,
            Members = [],
            Shards = view.Shards.ToImmutableDictionary(
                s => s.Key, s => s.Value with { Owner = null, Next = null, Epoch = Math.Max(s.Value.Epoch, Floor(number)) }),
        };
    }

    /// <summary>No number that was given before this restoration is above it: one a second for a century would not reach the
    /// next one's. It fits until the year 2088.</summary>
    public static long Floor(long restoration) => restoration << 32;

    private static readonly DateTimeOffset _restorationsCountFrom = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static ClusterView WithMember(ClusterView view, NodeId id, Func<NodeRow, NodeRow> change)
    {
        var old = view.Members.FirstOrDefault(m => m.Node.Id == id);
        if (old is null) return view;
        var changed = change(old);
        return ReferenceEquals(changed, old) || changed == old
            ? view
            : Settle(view with { Members = view.Members.Replace(old, changed) }, view);
    }

    private static ClusterView Settle(ClusterView changed, ClusterView before)
    {
        var moves = ShardAllocation.Plan(changed.Members, changed.Shards.Values);
        return changed with
        {
            Version = before.Version + 1,
            Shards = changed.Shards.SetItems(moves.Select(m => KeyValuePair.Create(m.Key, m))),
        };
    }
}
