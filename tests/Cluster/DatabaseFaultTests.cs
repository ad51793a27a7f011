using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>What the engine does when its database is away, foreign, or holds what it does not understand.</summary>
public sealed class DatabaseFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _away = TimeSpan.FromSeconds(30);

    /// <summary>Whoever comes while the database is away is let in, and waits for the database only.</summary>
    private static readonly TimeSpan _greets = TimeSpan.FromSeconds(5);

    [SkippableTheory]
    [InlineData("frozen")]
    [InlineData("stopped")]
    public async Task A_database_that_is_away_for_30_s_stalls_commands_and_loses_none(string how)
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var seed = Rounds.Seed;
        await TestCluster.Run(new TestClusterOptions(), Say, async cluster =>
        {
            cluster.Say($"SEED={seed}");
            var ledger = new Ledger();
            var vm = await new VmClient(cluster.Client, new Ledger(), cluster.Faults, $"{seed}", "watch")
                .Create(CancellationToken.None);
            var workload = Workload.Start(cluster, ledger, new WorkloadOptions { Seed = seed });
            await Wait.Until(() => workload.AcceptedCount > 60, TimeSpan.FromSeconds(60), "the load runs");

            var at = cluster.Faults.Strike();
            if (how == "frozen") cluster.Postgres.Freeze();
            else await cluster.Postgres.StopAtOnce();
            using var patient = cluster.NewClient(TimeSpan.FromSeconds(45));
            var doors = Doors.Watch(cluster);
            await Wait.Pass(TimeSpan.FromSeconds(2));
            var stalled = patient.Once(0, HttpMethod.Put, $"vms/{vm.Id}", new JsonObject { ["comment"] = "stalled" });
            await Wait.Pass(at + _away - DateTimeOffset.UtcNow);
            // Reads wait for the database and are answered the moment it is back: the fault lasts until then.
            cluster.Faults.Strike();
            if (how == "frozen") cluster.Postgres.Thaw();
            else await cluster.Postgres.StartAgain();
            var back = cluster.Faults.Strike();
            var greeted = await doors.Stop();

            var answer = await stalled;
            Assert.True(answer.IsAccepted || answer is { Status: 503, RetryAfter: not null },
                $"a command in the outage is answered late, or 503 with Retry-After: {answer}");
            await Wait.Until(async () => (await cluster.Client.Once(
                0, HttpMethod.Put, $"vms/{vm.Id}", new JsonObject { ["comment"] = "back" })).IsAccepted,
                TimeSpan.FromSeconds(30), "commands are accepted again by themselves");
            var recovered = DateTimeOffset.UtcNow - back;

            await workload.Stop();
            var stuck = await Verdict.Settle(cluster);
            cluster.Say(string.Create(CultureInfo.InvariantCulture,
                $"database {how} for {_away.TotalSeconds} s: the command in it got {answer.Status} after "
                + $"{answer.Took.TotalSeconds:0.0} s, new connections an answer within {greeted.TotalSeconds:0.00} s, "
                + $"commands again {recovered.TotalSeconds:0.0} s after its return, {ledger.Figures()}"));
            Assert.InRange(greeted, TimeSpan.Zero, _greets);
            Verdict.Demand(cluster, stuck);
            Assert.All(cluster.Nodes, n => Assert.True(n.IsRunning, $"{n.Name} ended with {n.ExitCode}"));
            Verdict.Demand(cluster, await Verdict.Of(cluster, ledger));
        });
    }

    [SkippableFact]
    public async Task A_second_cluster_on_the_same_database_refuses_to_start()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Nodes = 1, Hosts = 1 }, Say, async cluster =>
        {
            await using var stranger = await cluster.Stranger(
                Guid.NewGuid().ToString(), Directory.CreateDirectory(Path.Combine(cluster.Folder, "pki2")).FullName);
            await stranger.Start();
            var code = await stranger.Exited(TimeSpan.FromSeconds(40));
            var words = string.Join('\n', cluster.Log.Of("stranger"));
            cluster.Say($"the stranger ended with code {code}: {words}");
            Assert.NotEqual(0, code);
            Assert.Contains("cluster", words, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Unhandled exception", words, StringComparison.Ordinal);
            Assert.DoesNotContain($"{stranger.Config.Address}:{stranger.Config.ClusterPort}",
                await cluster.Tables.Members());
            Assert.True(await cluster.IsReady(cluster.Nodes[0]));
        });
    }

    [SkippableFact]
    public async Task A_journal_row_of_an_unknown_version_stops_its_vm_and_nothing_else()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Nodes = 2, Hosts = 2 }, Say, async cluster =>
        {
            var ledger = new Ledger();
            var client = new VmClient(cluster.Client, ledger, cluster.Faults, $"{Rounds.Seed}", "future");
            var broken = await client.Create(CancellationToken.None);
            var whole = await client.Create(CancellationToken.None);
            var last = (await cluster.Tables.Journal()).Last(r =>
                r.PersistenceId.EndsWith(broken.Id.ToString()!, StringComparison.Ordinal));

            // Both nodes forget what they have in memory; the row then comes from a future that they do not know.
            foreach (var node in cluster.Nodes) await node.Kill();
            var future = last.Manifest[..last.Manifest.LastIndexOf('.')] + ".99";
            await using (var connection = await cluster.Postgres.Open())
            await using (var command = new NpgsqlCommand(
                "UPDATE akka.journal SET manifest = @future WHERE ordering = @row", connection))
            {
                command.Parameters.AddWithValue("future", future);
                command.Parameters.AddWithValue("row", last.Ordering);
                Assert.Equal(1, await command.ExecuteNonQueryAsync());
            }

            var rows = await cluster.Tables.Count("akka.journal WHERE persistence_id = '" + last.PersistenceId + "'");
            foreach (var node in cluster.Nodes) await node.Start();
            foreach (var node in cluster.Nodes) await cluster.UntilReady(node, TimeSpan.FromSeconds(60));

            using var patient = cluster.NewClient(TimeSpan.FromSeconds(40));
            var refused = await patient.Once(0, HttpMethod.Put, $"vms/{broken.Id}", new JsonObject { ["comment"] = "x" });
            Assert.InRange(refused.Status, 500, 599);
            Assert.Contains("reason", refused.Body, StringComparison.Ordinal);
            Assert.Equal(rows,
                await cluster.Tables.Count("akka.journal WHERE persistence_id = '" + last.PersistenceId + "'"));
            Assert.True((await client.Update(whole, CancellationToken.None)).IsAccepted);
            await Wait.Until(() => cluster.Nodes.SelectMany(n => cluster.Log.Of(n.Name)).Any(line =>
                    line.Contains(future, StringComparison.Ordinal)
                    && line.Contains(broken.Id.ToString()!, StringComparison.Ordinal)),
                TimeSpan.FromSeconds(5), $"a node says which row of vm {broken.Id} it cannot read");
            cluster.Say($"a row '{future}' of vm {broken.Id}: {refused}");
        });
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
