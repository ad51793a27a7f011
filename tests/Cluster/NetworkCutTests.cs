using System.Globalization;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>Bar 4: cables are cut under load, in one direction or both, and mended again.</summary>
public sealed class NetworkCutTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _cut = TimeSpan.FromSeconds(12);

    private enum Cable { Nodes, Database }

    [SkippableFact]
    public async Task Cut_cables_between_nodes_and_to_the_database_break_no_promise()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        Skip.IfNot(Signals.IsRoot, "network namespaces need root");
        (Cable Cable, Way Way)[] plan =
        [
            (Cable.Nodes, Way.Both), (Cable.Database, Way.Both), (Cable.Nodes, Way.ToNode), (Cable.Database, Way.ToNode),
            (Cable.Nodes, Way.FromNode), (Cable.Database, Way.FromNode), (Cable.Nodes, Way.Both),
            (Cable.Database, Way.Both),
        ];
        var seed = Rounds.Seed;
        await TestCluster.Run(new TestClusterOptions { Namespaces = true }, Say, async cluster =>
        {
            cluster.Say($"SEED={seed}");
            var random = new Random(seed);
            var ledger = new Ledger();
            var probe = await TakeoverProbe.Make(cluster, ledger, $"{seed}", vms: 24);
            var workload = Workload.Start(cluster, ledger, new WorkloadOptions { Seed = seed });
            for (var round = 0; round < plan.Length; round++)
            {
                var (cable, way) = plan[round];
                var node = random.Next(cluster.Nodes.Count);
                var other = (node + 1 + random.Next(cluster.Nodes.Count - 1)) % cluster.Nodes.Count;
                var owned = await probe.OwnedBy(cluster.Nodes[node]);
                var before = workload.AcceptedCount;
                var at = cluster.Faults.Strike();
                if (cable == Cable.Nodes) await cluster.Network.CutNodes(node, other, way);
                else await cluster.Network.CutDatabase(node, cluster.Postgres.Port, way);

                // A cut between nodes leaves the owner its shards; the third node and the owner itself still answer.
                var times = await probe.Measure([.. owned.Take(3)], cluster.Nodes[node], at);
                await Wait.Pass(at + _cut - DateTimeOffset.UtcNow);
                var during = workload.AcceptedCount - before;
                await cluster.Network.Heal();
                cluster.Faults.Strike();
                await Wait.Until(async () => !cluster.Nodes[node].IsRunning || await cluster.IsReady(cluster.Nodes[node]),
                    TimeSpan.FromSeconds(60), $"{cluster.Nodes[node].Name} is back or has ended");
                var ended = !cluster.Nodes[node].IsRunning;
                if (ended)
                {
                    await cluster.Nodes[node].Start();
                    await cluster.UntilReady(cluster.Nodes[node], TimeSpan.FromSeconds(60));
                }

                await workload.Pause();
                var stuck = await Verdict.Settle(cluster);
                var worst = times.Count == 0 ? 0 : times[^1].TotalSeconds;
                cluster.Say(string.Create(CultureInfo.InvariantCulture,
                    $"round {round + 1}: {cluster.Nodes[node].Name} cut from "
                    + $"{(cable == Cable.Nodes ? cluster.Nodes[other].Name : "PostgreSQL")} ({way}), answered by others after "
                    + $"{worst:0.00} s at worst, {during} commands accepted meanwhile, node {(ended ? "ended" : "stayed")}, "
                    + $"{ledger.Figures()}, {stuck.Count + ledger.Seen.Count} violations"));
                Verdict.Demand(cluster, stuck);
                Verdict.Demand(cluster, ledger.Seen);
                Verdict.Demand(cluster, await Verdict.Writers(cluster));
                workload.Resume();
            }

            await workload.Stop();
            Verdict.Demand(cluster, await Verdict.Settle(cluster));
            Verdict.Demand(cluster, await Verdict.Of(cluster, ledger));
        });
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
