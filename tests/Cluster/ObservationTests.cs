using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>What hosts see of their guests is shown by every node, and by none of a guest that is gone.</summary>
public sealed class ObservationTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task Every_node_shows_what_a_guest_tells_also_after_the_node_that_asked_has_died()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Hosts = 3, More = "orchestrator.hosts.observe-every = 500 ms" }, output.WriteLine, async cluster =>
        {
            var client = new VmClient(cluster.Client, new Ledger(), cluster.Faults, $"{Rounds.Seed}", "seen");
            var vm = await client.Create(CancellationToken.None);
            Assert.True((await client.Act(vm, CommandKind.Start, CancellationToken.None)).IsAccepted);
            Assert.Equal("up", await client.Settled(vm, CancellationToken.None));

            await cluster.Nodes[0].Kill();
            cluster.Faults.Strike();
            foreach (var node in new[] { 1, 2 })
            {
                await Wait.Until(async () => await Name(cluster, node, vm) is { Length: > 0 }, TimeSpan.FromSeconds(10), $"node {node + 1} shows what the guest tells");
                var statistics = await cluster.Client.Once(node, HttpMethod.Get, $"vms/{vm.Id}/statistics", null);
                Assert.Contains("cpu.current.total", statistics.Body, StringComparison.Ordinal);
            }

            Assert.True((await client.Act(vm, CommandKind.Stop, CancellationToken.None)).IsAccepted);
            Assert.Equal("down", await client.Settled(vm, CancellationToken.None));
            Assert.Null(await Name(cluster, 1, vm));
        });
    }

    private static async Task<string?> Name(TestCluster cluster, int node, VmRecord vm) =>
        (await cluster.Client.Once(node, HttpMethod.Get, $"vms/{vm.Id}", null)).Json?["fqdn"]?.GetValue<string>();
}
