using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>Bar 6: PostgreSQL's primary is lost under load and its synchronous standby promoted. The engine is back within
/// 10 s of the promotion, no accepted command is lost, and a former primary that comes back is not written to.</summary>
public sealed class DatabaseFailoverTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    /// <summary>What a failover program takes to notice and to decide.</summary>
    private static readonly TimeSpan _untilPromotion = TimeSpan.FromSeconds(2);

    [SkippableTheory]
    [InlineData("killed")]
    [InlineData("stopped")]
    [InlineData("frozen")]
    [InlineData("standby-hung")]
    public async Task A_promoted_standby_costs_seconds_and_no_accepted_command(string how)
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var seed = Rounds.Seed;
        await TestCluster.Run(new TestClusterOptions { Standby = true, Hosts = 8 }, Say, async cluster =>
        {
            cluster.Say($"SEED={seed}");
            var ledger = new Ledger();
            var made = await Probes(cluster, seed);
            var (victim, probes) = (made[0], made.Skip(1).ToList());
            var workload = Workload.Start(cluster, ledger, new WorkloadOptions { Seed = seed });
            await Wait.Until(() => workload.AcceptedCount > 60, TimeSpan.FromSeconds(60), "the load runs");

            var former = cluster.Postgres;
            cluster.Faults.Strike();
            if (how == "standby-hung") await HangStandby(cluster, victim);
            cluster.Faults.Strike();
            switch (how)
            {
                case "stopped": await former.StopFast(); break;
                case "frozen": former.Freeze(); break;
                default: await former.Kill(); break;
            }

            await Wait.Pass(_untilPromotion);
            if (how == "standby-hung") cluster.Standby!.Thaw();
            var promoted = await cluster.FailOver();
            var times = await Back(cluster, probes, promoted);
            cluster.Say(string.Create(CultureInfo.InvariantCulture,
                $"primary {how}: after the promotion every node took a command again within {times[^1].TotalSeconds:0.0} s "
                + $"(median of {times.Count} VMs {times[times.Count / 2].TotalSeconds:0.0} s), {ledger.Figures()}"));
            if (Environment.GetEnvironmentVariable("KEEP_LOG") is { Length: > 0 } keep) cluster.Log.Save($"{keep}.{how}.log", tail: 1);
            Assert.True(times[^1] < _limit, $"not back within {_limit.TotalSeconds} s: {times[^1]}");

            if (how == "frozen")
            {
                // The former primary wakes up with its old sessions and its old ideas.
                cluster.Faults.Strike();
                former.Thaw();
                await Wait.Pass(TimeSpan.FromSeconds(3));
                await former.Kill();
            }

            await Mistake(cluster, former);
            await workload.Stop();
            Verdict.Demand(cluster, await Verdict.Settle(cluster));
            Assert.All(cluster.Nodes, n => Assert.True(n.IsRunning, $"{n.Name} ended with {n.ExitCode}"));
            Verdict.Demand(cluster, await Verdict.Of(cluster, ledger));
            var seen = await Verdict.List(cluster);
            Assert.Equal(probes.Select((_, i) => Comment(i)), probes.Select(p => seen![p.Id!.Value].Comment));
        });
    }

    private static string Comment(int probe) => string.Create(CultureInfo.InvariantCulture, $"back-{probe}");

    /// <summary>Commits are not replicated, so nobody is told of success, however often the engine tries again.</summary>
    private static async Task HangStandby(TestCluster cluster, VmRecord vm)
    {
        cluster.Standby!.Freeze();
        await Wait.Pass(TimeSpan.FromSeconds(1));
        using var patient = cluster.NewClient(TimeSpan.FromSeconds(14));
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var answer = await patient.Once(
                attempt, HttpMethod.Put, $"vms/{vm.Id}", new JsonObject { ["comment"] = $"never-safe-{attempt}" });
            Assert.False(answer.IsAccepted, $"accepted while the standby had nothing of it: {answer}");
        }
    }

    /// <summary>The former primary is started again and needs no standby. All nodes can reach it, one is even started anew
    /// while it is there; nothing may change in it.</summary>
    private static async Task Mistake(TestCluster cluster, PrivatePostgres former)
    {
        await former.StartAgainAlone();
        var before = await Fingerprint(former);
        cluster.Faults.Strike();
        await cluster.Nodes[0].Kill();
        await cluster.Nodes[0].Start();
        await cluster.UntilReady(cluster.Nodes[0], TimeSpan.FromSeconds(60));
        await Wait.Pass(TimeSpan.FromSeconds(5));
        cluster.Faults.Strike();
        Assert.Equal(before, await Fingerprint(former));

        // A node that can reach nobody else waits, because it remembers a newer term.
        await cluster.Nodes[0].Kill();
        var both = cluster.Nodes[0].Config.ConnectionString;
        cluster.Nodes[0].Reconfigure(c => c with { ConnectionString = former.ConnectionString });
        await cluster.Nodes[0].Start();
        await Wait.Until(() => cluster.Log.Of("n1").Any(l => l.Contains("former primary", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(30), "the node says that it met a former primary");
        await Wait.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal(before, await Fingerprint(former));
        await cluster.Nodes[0].Kill();
        cluster.Nodes[0].Reconfigure(c => c with { ConnectionString = both });
        await cluster.Nodes[0].Start();
        await cluster.UntilReady(cluster.Nodes[0], TimeSpan.FromSeconds(60));
        cluster.Faults.Strike();
        cluster.Say($"the former primary, up again by mistake: nothing changed in it ({before})");
    }

    /// <summary>Every table that the engine writes; a lease that was renewed there would show, too.</summary>
    private static async Task<string> Fingerprint(PrivatePostgres server)
    {
        await using var connection = await server.Open();
        await using var ask = new NpgsqlCommand("""
            SELECT concat_ws(' ',
                (SELECT count(*) || '/' || coalesce(max(ordering), 0) FROM akka.journal),
                (SELECT version FROM cluster.meta), (SELECT max(term) FROM cluster.terms),
                (SELECT md5(string_agg(m::text, ';' ORDER BY m.node_id)) FROM cluster.members m),
                (SELECT md5(string_agg(s::text, ';' ORDER BY s.shard_type, s.shard)) FROM cluster.shards s),
                (SELECT md5(string_agg(o.id || ':' || o.version, ';' ORDER BY o.kind, o.id)) FROM read.objects o),
                (SELECT count(*) FROM read.names), (SELECT max(id) FROM events.audit_log),
                (SELECT count(*) FROM cluster.remembered))
            """, connection);
        return (string)(await ask.ExecuteScalarAsync())!;
    }

    private static async Task<IReadOnlyList<VmRecord>> Probes(TestCluster cluster, int seed)
    {
        var client = new VmClient(cluster.Client, new Ledger(), cluster.Faults, $"{seed}", "probe");
        var probes = new List<VmRecord>();
        while (probes.Count < 13) probes.Add(await client.Create(CancellationToken.None));
        return probes;
    }

    /// <summary>Time from the promotion until each probe's command was accepted; all nodes are asked in turn.</summary>
    private static async Task<IReadOnlyList<TimeSpan>> Back(
        TestCluster cluster, IReadOnlyList<VmRecord> probes, DateTimeOffset promoted)
    {
        using var impatient = cluster.NewClient(TimeSpan.FromSeconds(3));
        var times = await Task.WhenAll(probes.Select(async (vm, i) =>
        {
            await Wait.Until(async () => (await impatient.Once(
                i % cluster.Nodes.Count, HttpMethod.Put, $"vms/{vm.Id}", new JsonObject { ["comment"] = Comment(i) }))
                .IsAccepted,
                TimeSpan.FromSeconds(60), $"node {i % cluster.Nodes.Count} takes a command on vm {vm.Id}",
                beat: TimeSpan.FromMilliseconds(200));
            return DateTimeOffset.UtcNow - promoted;
        }));
        return [.. times.Order()];
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
