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
            Assert.True(counts.Max() - counts.Min() <= 1, $"unbalanced {string.Join(",", counts)}: {at}");
        }

        Assert.Empty(ShardAllocation.Plan(after.Members, after.Shards.Values));
        Assert.Equal(
            ShardAllocation.Plan(after.Members, before.Shards.Values).ToHashSet(),
            [.. ShardAllocation.Plan(after.Members, before.Shards.Values.Reverse())]);
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
