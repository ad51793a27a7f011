using Orchestrator.Engine;

namespace Orchestrator.Tests.Engine;

public sealed class ShardAllocationTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Random_histories_keep_shards_balanced_and_owned_with_few_moves()
    {
        var seed = Environment.GetEnvironmentVariable("SEED") is { } text
            ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        for (var run = 0; run < 300; run++) History(seed + run);
    }

    private static void History(int seed)
    {
        var random = new Random(seed);
        var view = ClusterView.Empty;
        for (var step = 0; step < 30; step++)
        {
            var before = view;
            var someone = view.Members.Length > 0 ? view.Members[random.Next(view.Members.Length)].Node.Id : default;
            view = random.Next(6) switch
            {
                0 or 1 when view.Members.Length < 6 => Register(Join(view, random, step), random),
                2 => ClusterRules.Bury(view, new HashSet<NodeId> { someone }),
                3 => ClusterRules.Leave(view, someone),
                _ => HandOver(view, random),
            };
            Check(before, view, seed, step);
        }
    }

    private static ClusterView Join(ClusterView view, Random random, int step)
    {
        var id = new byte[16];
        random.NextBytes(id);
        return ClusterRules.Join(
            view, new NodeDescription(new NodeId(new Guid(id)), $"h{step}", 1, [], "1"), new HashSet<NodeId>(), Start.AddSeconds(step));
    }

    private static ClusterView Register(ClusterView view, Random random)
    {
        var self = view.Members[^1].Node.Id;
        view = ClusterRules.Register(view, self, "vm", [.. Enumerable.Range(0, 17).Select(i => $"{i}")]);
        return random.Next(2) == 0 ? view : ClusterRules.Register(view, self, "host", ["0", "1", "2", "3", "4"]);
    }

    private static ClusterView HandOver(ClusterView view, Random random)
    {
        var moving = view.Shards.Values.Where(s => s.Next is not null).OrderBy(s => s.Key.Shard, StringComparer.Ordinal).ToArray();
        if (moving.Length == 0) return view;
        var shard = moving[random.Next(moving.Length)];
        return ClusterRules.HandOver(view, shard.Owner!.Value, shard.Key, shard.Epoch);
    }

    private static void Check(ClusterView before, ClusterView after, int seed, int step)
    {
        var at = $"seed {seed}, step {step}";
        foreach (var row in after.Shards.Values)
        {
            var old = before.Shards.GetValueOrDefault(row.Key);
            Assert.True(old is null || row.Epoch >= old.Epoch, $"an epoch fell: {at}");
            Assert.True(old is null || row.Owner == old.Owner || row.Epoch > old.Epoch, $"an owner changed in one epoch: {at}");
            Assert.True(row.Owner is null || after.Members.Any(m => m.Node.Id == row.Owner), $"a dead owner: {at}");
            Assert.True(row.Next is null || after.Members.Any(m => m.Node.Id == row.Next && m.Status == NodeStatus.Up), $"a bad next: {at}");
            Assert.True(row.Next is null || row.Next != row.Owner, $"a move to itself: {at}");
        }

        foreach (var type in after.Shards.Values.GroupBy(s => s.Key.Type))
        {
            var carriers = after.Members.Where(m => m.Status == NodeStatus.Up && m.ShardTypes.Contains(type.Key)).ToArray();
            if (carriers.Length == 0) continue;
            var counts = carriers.Select(c => type.Count(s => (s.Next ?? s.Owner) == c.Node.Id)).ToArray();
            Assert.Equal(type.Count(), counts.Sum());
            var moved = type.Count(s => before.Shards.TryGetValue(s.Key, out var old) && HomeOf(old, carriers) != (s.Next ?? s.Owner));
            var needed = MovesNeeded([.. type.Select(s => before.Shards.GetValueOrDefault(s.Key)).OfType<ShardRow>()], carriers);
            Assert.True(moved <= needed, $"{moved} shards move, {needed} would do: {at}");
            Assert.True(counts.Max() - counts.Min() <= 1, $"unbalanced {string.Join(",", counts)}: {at}");
        }

        Assert.Empty(ShardAllocation.Plan(after.Members, after.Shards.Values));
        Assert.Equal(
            ShardAllocation.Plan(after.Members, before.Shards.Values).ToHashSet(),
            [.. ShardAllocation.Plan(after.Members, before.Shards.Values.Reverse())]);
    }

    /// <summary>Those whose home is gone, and what each has above its fair share when those with most keep the odd ones.</summary>
    private static int MovesNeeded(ShardRow[] rows, NodeRow[] carriers)
    {
        var held = carriers.Select(c => rows.Count(s => HomeOf(s, carriers) == c.Node.Id)).OrderDescending().ToArray();
        var surplus = held.Select((n, i) =>
            Math.Max(0, n - (rows.Length / carriers.Length) - (i < rows.Length % carriers.Length ? 1 : 0))).Sum();
        return rows.Length - held.Sum() + surplus;
    }

    /// <summary>A shard on its way to a node that is no carrier any more has not moved when it stays.</summary>
    private static NodeId? HomeOf(ShardRow row, NodeRow[] carriers) =>
        carriers.Any(c => c.Node.Id == row.Next) ? row.Next : row.Owner;

    /// <summary>A rolling restart of a cluster at rest: each shard of the leaver moves once, and once more for the newcomer.</summary>
    [Theory]
    [InlineData(3, 30)]
    [InlineData(4, 30)]
    [InlineData(7, 31)]
    public void A_restart_of_one_node_moves_its_share_away_and_as_much_back(int nodes, int shards)
    {
        var random = new Random(nodes);
        var view = ClusterView.Empty;
        for (var n = 0; n < nodes; n++) view = Enter(view, n);
        for (var n = 0; n < nodes; n++)
        {
            var leaver = view.Members[0].Node.Id;
            var share = view.Shards.Values.Count(s => s.Owner == leaver);
            var leaving = ClusterRules.Leave(view, leaver);
            Assert.Equal(share, leaving.Shards.Values.Count(s => s.Next is not null));
            leaving = ClusterRules.Bury(Rest(leaving), new HashSet<NodeId> { leaver });
            Assert.DoesNotContain(leaving.Shards.Values, s => s.Next is not null || s.Owner == leaver);
            var entered = ClusterRules.Register(
                Join(leaving, random, 100 + n), default, "vm", []);
            entered = ClusterRules.Register(entered, entered.Members[^1].Node.Id, "vm", []);
            Assert.InRange(entered.Shards.Values.Count(s => s.Next is not null), shards / nodes, (shards / nodes) + 1);
            view = Rest(entered);
        }

        ClusterView Enter(ClusterView before, int n)
        {
            var joined = Join(before, random, n);
            return Rest(ClusterRules.Register(
                joined, joined.Members[^1].Node.Id, "vm", [.. Enumerable.Range(0, shards).Select(i => $"{i}")]));
        }
    }

    private static ClusterView Rest(ClusterView view)
    {
        while (view.Shards.Values.FirstOrDefault(s => s.Next is not null) is { } moving)
            view = ClusterRules.HandOver(view, moving.Owner!.Value, moving.Key, moving.Epoch);
        return view;
    }

    [Fact]
    public void A_third_node_takes_a_third_and_nothing_else_moves()
    {
        var random = new Random(1);
        var view = ClusterView.Empty;
        for (var n = 0; n < 2; n++)
            view = ClusterRules.Register(Join(view, random, n), default, "vm", []);
        foreach (var member in view.Members)
            view = ClusterRules.Register(view, member.Node.Id, "vm", [.. Enumerable.Range(0, 12).Select(i => $"{i}")]);
        while (view.Shards.Values.FirstOrDefault(s => s.Next is not null) is { } s)
            view = ClusterRules.HandOver(view, s.Owner!.Value, s.Key, s.Epoch);
        view = Join(view, random, 3);
        view = ClusterRules.Register(view, view.Members[^1].Node.Id, "vm", []);
        Assert.Equal(4, view.Shards.Values.Count(s => s.Next is not null));
        Assert.All(view.Shards.Values.Where(s => s.Next is not null), s => Assert.Equal(view.Members[^1].Node.Id, s.Next));
    }
}
