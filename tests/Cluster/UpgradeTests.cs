using System.Globalization;
using Npgsql;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>From the landed version to this one, node by node: the real old program, built from the history.</summary>
public sealed class UpgradeTests(ITestOutputHelper output)
{
    private const int PerSecond = 50;
    private static readonly TimeSpan _calm = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Node by node the old program ends and the new one starts, under 50 requests a second: none fails. In between, old
    /// and new nodes carry VMs together for a while, and one of each is killed: its entities must be read by the other
    /// version, both ways, and an old node must be able to start again on the new schema.
    /// </summary>
    [SkippableFact]
    public async Task A_rolling_upgrade_fails_no_request_and_both_versions_carry_on_together()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var (old, obstacle) = await OldEngine.Build(OldEngine.Landed);
        Skip.If(obstacle is not null, obstacle);
        var seed = Rounds.Seed;
        await TestCluster.Run(new TestClusterOptions { Hosts = 8, Program = old }, Say, async cluster =>
        {
            cluster.Say($"SEED={seed}");
            var vms = await Vms(cluster, seed);
            Assert.Equal("0.1.0,0.1.0,0.1.0", await Versions(cluster));

            await Replace(cluster, vms, [0]);
            Assert.Equal("0.1.0,0.1.0,0.2.0", await Versions(cluster));

            var ledger = new Ledger();
            var workload = Workload.Start(cluster, ledger, new WorkloadOptions { Seed = seed });
            await Wait.Until(() => workload.AcceptedCount > 80, TimeSpan.FromSeconds(60), "the load runs on both versions");
            foreach (var victim in cluster.Nodes.Take(2))
            {
                var before = workload.AcceptedCount;
                cluster.Faults.Strike();
                await victim.Kill();
                await Wait.Until(() => workload.AcceptedCount > before + 40, TimeSpan.FromSeconds(60), "the others carry on");
                await victim.Start();
                await cluster.UntilReady(victim, TimeSpan.FromSeconds(60));
                cluster.Faults.Strike();
                await Wait.Until(() => workload.AcceptedCount > before + 80, TimeSpan.FromSeconds(60), "all carry on");
            }

            await workload.Stop();
            Verdict.Demand(cluster, await Verdict.Settle(cluster));
            Verdict.Demand(cluster, await Verdict.Of(cluster, ledger));
            cluster.Say($"one new and two old nodes together, one of each killed: {ledger.Figures()}, no violation");
            // 302 takes something away that old nodes need; the later ones only add.
            Assert.Equal("300,301,303,304,305,307,308", await Steps(cluster));

            await Replace(cluster, vms, [1, 2]);
            Assert.Equal("0.2.0,0.2.0,0.2.0", await Versions(cluster));
            Assert.Equal("300,301,302,303,304,305,307,308", await Steps(cluster));
            Verdict.Demand(cluster, await Verdict.Settle(cluster));
            Verdict.Demand(cluster, await Verdict.Of(cluster, ledger));
        });
    }

    /// <summary>As an operator does it: out of the load balancer, SIGTERM, the new program, back in.</summary>
    private static async Task Replace(TestCluster cluster, IReadOnlyList<Guid> vms, IReadOnlyList<int> nodes)
    {
        using var clients = SteadyClient.Start(cluster, vms, PerSecond);
        await Wait.Pass(_calm);
        foreach (var index in nodes)
        {
            var node = cluster.Nodes[index];
            clients.Rest(index);
            node.Terminate();
            Assert.Equal(0, await node.Exited(TimeSpan.FromSeconds(60)));
            node.Reconfigure(c => c with { Program = null });
            await node.Start();
            await cluster.UntilReady(node, TimeSpan.FromSeconds(60));
            clients.Serve(index);
            await Wait.Pass(_calm);
        }

        var (asked, failed, median, slowest) = await clients.Stop();
        cluster.Say(string.Create(CultureInfo.InvariantCulture,
            $"{string.Join(", ", nodes.Select(n => cluster.Nodes[n].Name))} replaced under {PerSecond} requests/s: {asked} asked, "
            + $"{failed.Count} failed, median {median.TotalMilliseconds:0} ms, slowest {slowest.TotalMilliseconds:0} ms"));
        Assert.Equal([], failed.Select(f => f.ToString()));
        Assert.True(asked > 4 * PerSecond, $"only {asked} requests");
    }

    private static async Task<IReadOnlyList<Guid>> Vms(TestCluster cluster, int seed)
    {
        var client = new VmClient(cluster.Client, new Ledger(), cluster.Faults, $"{seed}", "steady");
        var vms = new List<Guid>();
        while (vms.Count < 30) vms.Add((await client.Create(CancellationToken.None)).Id!.Value);
        return vms;
    }

    private static Task<string> Versions(TestCluster cluster) =>
        Ask(cluster, "SELECT string_agg(split_part(app_version, '+', 1), ',' ORDER BY app_version) FROM cluster.members");

    private static Task<string> Steps(TestCluster cluster) =>
        Ask(cluster, "SELECT string_agg(number::text, ',' ORDER BY number) FROM cluster.schema_steps");

    private static async Task<string> Ask(TestCluster cluster, string sql)
    {
        await using var connection = await cluster.Postgres.Open();
        await using var command = new NpgsqlCommand(sql, connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
