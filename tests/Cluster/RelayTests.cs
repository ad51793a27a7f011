using System.Globalization;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>The line between hosts and the node that owns them is cut while the other nodes reach them: nobody is silent,
/// orders go by way of another node, and when that one dies, by way of the next.</summary>
public sealed class RelayTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    [SkippableTheory]
    [InlineData("drop, both ways")]
    [InlineData("drop, to the node")]
    [InlineData("drop, from the node")]
    [InlineData("reset")]
    public async Task A_host_that_its_node_alone_does_not_reach_is_not_silent(string cut)
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        Skip.IfNot(Signals.IsRoot, "network namespaces need root");
        await TestCluster.Run(new TestClusterOptions { Hosts = 6, Namespaces = true }, Say, async cluster =>
        {
            var ledger = new Ledger();
            var client = new VmClient(cluster.Client, ledger, cluster.Faults, $"{Rounds.Seed}", "relay");
            var vms = new List<VmRecord>();
            for (var n = 0; n < 12; n++) vms.Add(await client.Create(CancellationToken.None));
            foreach (var vm in vms) Assert.True((await client.Act(vm, CommandKind.Start, CancellationToken.None)).IsAccepted);
            foreach (var vm in vms) Assert.Equal("up", await client.Settled(vm, CancellationToken.None));

            var owner = await OwnerOfMost(cluster);
            await Cut(cluster, owner, cut);
            var at = DateTimeOffset.UtcNow;
            await Wait.Until(() => Around(cluster, owner).Count > 0, _limit, "the node reaches its hosts by way of another", () => LastOf(cluster, owner));
            var found = DateTimeOffset.UtcNow - at;
            await Wait.Pass(TimeSpan.FromSeconds(12));
            cluster.Say(string.Create(CultureInfo.InvariantCulture,
                $"{cut}: reached by way of another node after {found.TotalSeconds:0.0} s; {Around(cluster, owner).Count} hosts"));
            await NobodyIsSilent(cluster);

            foreach (var vm in vms) await client.Act(vm, CommandKind.Migrate, CancellationToken.None);
            foreach (var vm in vms) Assert.Equal("up", await client.Settled(vm, CancellationToken.None));
            await cluster.Network.Heal();
            await Wait.Until(() => Straight(cluster, owner).Count >= Around(cluster, owner).Count, TimeSpan.FromSeconds(40),
                "the node reaches its hosts straight", () => LastOf(cluster, owner));
            await NobodyIsSilent(cluster);
            Verdict.Demand(cluster, await Verdict.Settle(cluster));
            Verdict.Demand(cluster, await Verdict.Of(cluster, ledger));
        });
    }

    [SkippableFact]
    public async Task The_node_in_the_middle_may_freeze_or_die_and_whom_nobody_reaches_is_silent()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        Skip.IfNot(Signals.IsRoot, "network namespaces need root");
        await TestCluster.Run(new TestClusterOptions { Hosts = 6, Namespaces = true }, Say, async cluster =>
        {
            var owner = await OwnerOfMost(cluster);
            var others = Enumerable.Range(0, 3).Where(n => n != owner).ToArray();
            await Cut(cluster, owner, "drop, both ways");
            await Wait.Until(() => Around(cluster, owner).Count > 0, _limit, "the node reaches its hosts by way of another", () => LastOf(cluster, owner));
            var middle = others.Single(n => Around(cluster, owner)[^1].Contains(NetworkLab.AddressOf(n), StringComparison.Ordinal));
            foreach (var how in new[] { "is killed", "stands still" })
            {
                var known = Around(cluster, owner).Count;
                if (how == "is killed") await cluster.Nodes[middle].Kill();
                else cluster.Nodes[middle].Freeze();
                var at = cluster.Faults.Strike();
                await Wait.Until(() => Around(cluster, owner).Count > known, _limit, "the node reaches its hosts by way of the third",
                    () => LastOf(cluster, owner));
                cluster.Say(string.Create(CultureInfo.InvariantCulture,
                    $"the node in the middle {how}: reached by way of the third after {(DateTimeOffset.UtcNow - at).TotalSeconds:0.0} s"));
                if (how == "is killed") await cluster.Nodes[middle].Start();
                else cluster.Nodes[middle].Thaw();
                await cluster.UntilReady(cluster.Nodes[middle], TimeSpan.FromSeconds(60));
                middle = others.Single(n => n != middle);
            }

            await NobodyIsSilent(cluster);
            foreach (var node in others) await Cut(cluster, node, "drop, both ways");
            var alone = DateTimeOffset.UtcNow;
            await Wait.Until(async () => await Statuses(cluster, "non_responsive") == 6, TimeSpan.FromSeconds(15), "all hosts are silent");
            var silent = DateTimeOffset.UtcNow - alone;
            cluster.Say(string.Create(CultureInfo.InvariantCulture, $"cut from all nodes: silent after {silent.TotalSeconds:0.0} s"));
            Assert.InRange(silent.TotalSeconds, 4, 8);
            await cluster.Network.Heal();
            await Wait.Until(async () => await Statuses(cluster, "up") == 6, TimeSpan.FromSeconds(60), "all hosts are up");
            Verdict.Demand(cluster, await Verdict.Writers(cluster));
        });
    }

    private static Task Cut(TestCluster cluster, int node, string how) => how switch
    {
        "reset" => cluster.Network.RejectHosts(node, cluster.Fleet.Config.Port),
        "drop, to the node" => cluster.Network.CutHosts(node, cluster.Fleet.Config.Port, Way.ToNode),
        "drop, from the node" => cluster.Network.CutHosts(node, cluster.Fleet.Config.Port, Way.FromNode),
        _ => cluster.Network.CutHosts(node, cluster.Fleet.Config.Port, Way.Both),
    };

    /// <summary>Hosts fall to the nodes by chance: with six of them, one node in a dozen has none.</summary>
    private static async Task<int> OwnerOfMost(TestCluster cluster)
    {
        var writers = await cluster.Tables.LastWriters("host");
        return Enumerable.Range(0, cluster.Nodes.Count)
            .MaxBy(n => writers.Values.Count(w => w == $"{cluster.Nodes[n].Config.Address}:{cluster.Nodes[n].Config.ClusterPort}"));
    }

    private static string LastOf(TestCluster cluster, int node) =>
        string.Join(" | ", cluster.Log.Of(cluster.Nodes[node].Name).TakeLast(5));

    private static List<string> Around(TestCluster cluster, int node) => Told(cluster, node, "it is reached by way of the node at");

    private static List<string> Straight(TestCluster cluster, int node) => Told(cluster, node, "answers this node directly again");

    private static List<string> Told(TestCluster cluster, int node, string what) =>
        [.. cluster.Log.Of(cluster.Nodes[node].Name).Where(l => l.Contains(what, StringComparison.Ordinal))];

    private static async Task NobodyIsSilent(TestCluster cluster)
    {
        var events = await cluster.Client.Send(HttpMethod.Get, "events", null, TimeSpan.FromSeconds(10));
        Assert.DoesNotContain("non responsive", events.Body, StringComparison.Ordinal);
        Assert.Equal(6, await Statuses(cluster, "up"));
    }

    private static async Task<int> Statuses(TestCluster cluster, string status)
    {
        var answer = await cluster.Client.Send(HttpMethod.Get, "hosts", null, TimeSpan.FromSeconds(10));
        return answer.Json!["host"]!.AsArray().Count(h => h!["status"]?.GetValue<string>() == status);
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
