using System.Globalization;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>Bar 3: nodes die and freeze under load, and no promise breaks.</summary>
public sealed class NodeFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _freeze = TimeSpan.FromSeconds(20);

    /// <summary>Each round kills a random node with -9, or freezes it for 20 s and sends it commands as it wakes. The
    /// checkers read the journal, the hypervisors' own history and what clients saw.</summary>
    [SkippableFact]
    public async Task Nodes_die_and_freeze_under_load_and_nothing_is_lost_doubled_or_stuck()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var seed = Rounds.Seed;
        var rounds = Rounds.Count(30);
        await TestCluster.Run(new TestClusterOptions(), Say, async cluster =>
        {
            cluster.Say($"SEED={seed} ROUNDS={rounds}");
            var random = new Random(seed);
            var ledger = new Ledger();
            var probe = await TakeoverProbe.Make(cluster, ledger, $"{seed}", vms: 24);
            var workload = Workload.Start(cluster, ledger, new WorkloadOptions { Seed = seed });
            var takeovers = new List<TimeSpan>();
            for (var round = 1; round <= rounds; round++)
            {
                var victim = cluster.Nodes[random.Next(cluster.Nodes.Count)];
                var owned = await probe.OwnedBy(victim);
                var kill = random.Next(3) < 2;
                var times = kill
                    ? await KillRound(cluster, probe, owned, victim)
                    : await FreezeRound(cluster, probe, owned, victim);
                takeovers.AddRange(times);

                await workload.Pause();
                var stuck = await Verdict.Settle(cluster);
                cluster.Say(string.Create(CultureInfo.InvariantCulture,
                    $"round {round,2}: {(kill ? "kill -9" : "SIGSTOP")} {victim.Name}, {owned.Count} probes owned, takeover "
                    + $"{Figures(times)}, {ledger.Figures()}, {stuck.Count + ledger.Seen.Count} violations"));
                Verdict.Demand(cluster, stuck);
                Verdict.Demand(cluster, ledger.Seen);
                Verdict.Demand(cluster, await Verdict.Writers(cluster));
                workload.Resume();
            }

            await workload.Stop();
            Verdict.Demand(cluster, await Verdict.Settle(cluster));
            var violations = await Verdict.Of(cluster, ledger);
            cluster.Say($"takeover over all rounds: {Figures([.. takeovers.Order()])}; {ledger.Figures()}");
            Verdict.Demand(cluster, violations);
            Assert.True(workload.AcceptedCount > rounds, $"only {workload.AcceptedCount} commands were accepted");
        });
    }

    /// <summary>A planned departure is not a fault: whoever asks the other nodes notices nothing.</summary>
    [SkippableFact]
    public async Task A_node_that_is_asked_to_go_hands_over_without_a_failed_request()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Hosts = 4 }, Say, async cluster =>
        {
            var ledger = new Ledger();
            var probe = await TakeoverProbe.Make(cluster, ledger, $"{Rounds.Seed}", vms: 24);
            for (var round = 0; round < cluster.Nodes.Count; round++)
            {
                var leaver = cluster.Nodes[round];
                var owned = await probe.OwnedBy(leaver);
                Assert.NotEmpty(owned);
                var worst = TimeSpan.Zero;
                var asked = 0;
                var failed = new List<Answer>();
                leaver.Terminate();
                var ended = leaver.Exited(TimeSpan.FromSeconds(60));
                while (!ended.IsCompleted || asked < 50)
                {
                    var node = (round + 1 + (asked % 2)) % cluster.Nodes.Count;
                    var vm = owned[asked++ % owned.Count];
                    var answer = await cluster.Client.Once(node, HttpMethod.Put, $"vms/{vm.Id}",
                        new System.Text.Json.Nodes.JsonObject { ["comment"] = $"leaving-{round}-{asked}" });
                    if (!answer.IsAccepted) failed.Add(answer);
                    if (answer.Took > worst) worst = answer.Took;
                }

                var code = await ended;
                cluster.Say(string.Create(CultureInfo.InvariantCulture,
                    $"{leaver.Name} left with code {code}: {asked} requests on the others, {failed.Count} failed, "
                    + $"slowest {worst.TotalMilliseconds:0} ms"));
                Assert.Equal(0, code);
                Assert.Empty(failed);
                await leaver.Start();
                await cluster.UntilReady(leaver, TimeSpan.FromSeconds(60));
            }

            Verdict.Demand(cluster, await Verdict.Writers(cluster));
        });
    }

    private static async Task<IReadOnlyList<TimeSpan>> KillRound(
        TestCluster cluster, TakeoverProbe probe, IReadOnlyList<VmRecord> owned, NodeProcess victim)
    {
        var at = cluster.Faults.Strike();
        await victim.Kill();
        var times = await probe.Measure([.. owned.Take(3)], victim, at);
        await victim.Start();
        await cluster.UntilReady(victim, TimeSpan.FromSeconds(60));
        return times;
    }

    private static async Task<IReadOnlyList<TimeSpan>> FreezeRound(
        TestCluster cluster, TakeoverProbe probe, IReadOnlyList<VmRecord> owned, NodeProcess victim)
    {
        // Its connections are open before it freezes: the commands wait in its own sockets for the moment it wakes.
        using var warm = cluster.NewClient(TimeSpan.FromSeconds(45));
        var index = cluster.Nodes.ToList().IndexOf(victim);
        await warm.Login(index);
        await Task.WhenAll(owned.Select(vm => warm.Once(index, HttpMethod.Get, $"vms/{vm.Id}", null)));

        var at = cluster.Faults.Strike();
        victim.Freeze();
        var times = await probe.Measure([.. owned.Take(3)], victim, at);
        await Wait.Pass(at + _freeze - DateTimeOffset.UtcNow - TimeSpan.FromMilliseconds(500));
        var late = probe.SendLate(warm, [.. owned.Skip(3)], victim);
        await Wait.Pass(at + _freeze - DateTimeOffset.UtcNow);
        cluster.Faults.Strike();
        victim.Thaw();
        var answers = await late;
        cluster.Log.Add("harness", $"late commands: {string.Join(" | ", answers.Select(a => a.ToString()))}");

        // A node that finds itself buried may end, or join again under a new identity; both are right.
        await Wait.Until(async () => !victim.IsRunning || await cluster.IsReady(victim), TimeSpan.FromSeconds(60),
            $"{victim.Name} ends or is back", () => string.Join(" | ", cluster.Log.Of(victim.Name).TakeLast(5)));
        if (victim.IsRunning) return times;
        await victim.Start();
        await cluster.UntilReady(victim, TimeSpan.FromSeconds(60));
        return times;
    }

    private static string Figures(IReadOnlyList<TimeSpan> sorted) => sorted.Count == 0
        ? "not measured"
        : string.Create(CultureInfo.InvariantCulture,
            $"median {sorted[sorted.Count / 2].TotalSeconds:0.00} s, worst {sorted[^1].TotalSeconds:0.00} s");

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
