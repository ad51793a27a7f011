using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>The cable between two nodes is cut while both reach the database: nobody loses a shard, and the clients of one
/// side reach the entities of the other by way of the third node.</summary>
public sealed class LinkCutTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(3);

    [SkippableFact]
    public async Task A_cut_link_costs_a_moment_and_the_log_tells_of_it()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        Skip.IfNot(Signals.IsRoot, "network namespaces need root");
        await TestCluster.Run(new TestClusterOptions { Hosts = 4, Namespaces = true }, Say, async cluster =>
        {
            var ledger = new Ledger();
            var probe = await TakeoverProbe.Make(cluster, ledger, $"{Rounds.Seed}", vms: 24);
            (int Here, int There, Way Way)[] plan = [(0, 1, Way.Both), (1, 2, Way.ToNode), (2, 0, Way.FromNode)];
            foreach (var (here, there, way) in plan)
            {
                bool Told(int by, int of, string what) => LinkCutTests.Told(cluster, by, of, what);
                bool BothTold() => Told(here, there, "is cut") && Told(there, here, "is cut");
                var theirs = await probe.OwnedBy(cluster.Nodes[there]);
                Assert.NotEmpty(theirs);
                var epochs = (await cluster.Tables.Epochs()).Count;
                var before = await Ask(cluster, here, theirs, "before");
                await cluster.Network.CutNodes(here, there, way);
                var cutAt = cluster.Faults.Strike();
                var first = await Ask(cluster, here, theirs, "first");
                var later = new List<Answer>();
                var patience = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(5);
                for (var i = 0; i < 10 || (!BothTold() && DateTimeOffset.UtcNow < patience); i++)
                    later.AddRange(await Ask(cluster, here, theirs, $"later{i}"));
                var back = await Ask(cluster, there, await probe.OwnedBy(cluster.Nodes[here]), "back");
                await cluster.Network.Heal();
                await Wait.Until(() => Told(here, there, "is whole again") && Told(there, here, "is whole again"),
                    TimeSpan.FromSeconds(20), "both sides log that the link is whole again",
                    () => string.Join(" | ", cluster.Log.Of(cluster.Nodes[here].Name).TakeLast(5)));
                var healed = await Ask(cluster, here, theirs, "healed");
                cluster.Say(string.Create(CultureInfo.InvariantCulture,
                    $"{cluster.Nodes[here].Name} and {cluster.Nodes[there].Name} cut at {cutAt:HH:mm:ss.fff} ({way}): slowest of {theirs.Count} requests "
                    + $"before {Worst(before):0} ms, right after the cut {Worst(first):0} ms, then {Worst(later):0} ms of "
                    + $"{later.Count}, other side {Worst(back):0} ms, healed {Worst(healed):0} ms"));
                foreach (var line in Incident(cluster)) cluster.Say(line);
                Assert.All(first.Concat(later).Concat(back).Concat(healed), a => Assert.True(a.IsAccepted, $"{a}"));
                Assert.True(Worst(first) < _limit.TotalMilliseconds, $"{Worst(first)} ms right after the cut");
                Assert.True(Worst(later) < _limit.TotalMilliseconds, $"{Worst(later)} ms while the link was cut");
                Assert.True(BothTold(), "the logs of the two sides do not tell of the cut");
                Assert.Equal(epochs, (await cluster.Tables.Epochs()).Count);
            }

            Verdict.Demand(cluster, await Verdict.Writers(cluster));
        });
    }

    /// <summary>The timing law on real clocks: who cannot renew its lease stops its entities before the database gives them
    /// to others, not after.</summary>
    [SkippableFact]
    public async Task A_node_cut_from_the_database_stops_before_anyone_takes_what_it_owned()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        Skip.IfNot(Signals.IsRoot, "network namespaces need root");
        await TestCluster.Run(new TestClusterOptions { Hosts = 2, Namespaces = true }, Say, async cluster =>
        {
            var ledger = new Ledger();
            var probe = await TakeoverProbe.Make(cluster, ledger, $"{Rounds.Seed}", vms: 12);
            foreach (var (index, way) in new[] { (0, Way.Both), (1, Way.ToNode), (2, Way.FromNode) })
            {
                var node = cluster.Nodes[index];
                await Wait.Until(
                    async () => await cluster.Tables.Count("cluster.shards WHERE next IS NOT NULL") == 0
                        && await cluster.Tables.Count("(SELECT owner FROM cluster.shards GROUP BY owner) AS owners") == 3,
                    TimeSpan.FromSeconds(30), "the shards have come to rest");
                var owned = await probe.OwnedBy(node);
                var known = (await cluster.Tables.Epochs()).Count;
                var at = cluster.Faults.Strike();
                await cluster.Network.CutDatabase(index, cluster.Postgres.Port, way);
                var times = await probe.Measure([.. owned.Take(3)], node, at);
                var taken = (await cluster.Tables.Epochs()).Skip(known).Min(e => e.At);
                DateTimeOffset? Stopped() => cluster.Log.Of(node.Name).Select(Isolation).LastOrDefault(s => s >= at);
                await Wait.Until(() => Stopped() is not null, TimeSpan.FromSeconds(5), $"{node.Name} says that it stops");
                var stopped = Stopped()!.Value;
                cluster.Say(string.Create(CultureInfo.InvariantCulture,
                    $"{node.Name} cut from PostgreSQL ({way}): stopped after {(stopped - at).TotalSeconds:0.00} s, its shards were "
                    + $"taken after {(taken - at).TotalSeconds:0.00} s, answered elsewhere after {times[^1].TotalSeconds:0.00} s"));
                Assert.True(stopped < taken, $"{node.Name} stopped at {stopped:O}, its shards were taken at {taken:O}");
                await cluster.Network.Heal();
                cluster.Faults.Strike();
                await cluster.UntilReady(node, TimeSpan.FromSeconds(60));
            }

            Verdict.Demand(cluster, await Verdict.Writers(cluster));
        });
    }

    /// <summary>When a log line says that the node stops what it owns.</summary>
    private static DateTimeOffset? Isolation(string line) =>
        line.Contains("is isolated and stops what it owns", StringComparison.Ordinal)
            ? DateTimeOffset.Parse(line[..24], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)
            : null;

    private static async Task<IReadOnlyList<Answer>> Ask(TestCluster cluster, int node, IReadOnlyList<VmRecord> vms, string what) =>
        await Task.WhenAll(vms.Select(vm => cluster.Client.Once(
            node, HttpMethod.Put, $"vms/{vm.Id}", new JsonObject { ["comment"] = $"{what}-{vm.Name}" })));

    private static double Worst(IReadOnlyList<Answer> answers) => answers.Max(a => a.Took.TotalMilliseconds);

    private static bool Told(TestCluster cluster, int here, int there, string what)
    {
        var config = cluster.Nodes[there].Config;
        return cluster.Log.Of(cluster.Nodes[here].Name).Any(l =>
            l.Contains($"at {config.Address}:{config.ClusterPort} {what}", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Incident(TestCluster cluster) => cluster.Nodes
        .SelectMany(n => cluster.Log.Of(n.Name).Where(l => l.Contains("The link to node", StringComparison.Ordinal))
            .Select(l => $"  {l[..24]} {n.Name}{l[24..]}")).Order(StringComparer.Ordinal).TakeLast(4);

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
