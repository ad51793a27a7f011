using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>Configuration is the same on every node at once, and outlives the node that took it.</summary>
public sealed class CatalogueTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task What_one_node_wrote_every_node_reads_and_a_name_is_given_once()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Hosts = 1 }, output.WriteLine, async cluster =>
        {
            var centers = await cluster.Client.Once(0, HttpMethod.Get, "datacenters", null);
            var center = centers.Json!["data_center"]![0]!["id"]!.GetValue<string>();
            for (var round = 0; round < 5; round++)
            {
                var body = $$"""{"name": "lan-{{round}}", "data_center": {"id": "{{center}}"}}""";
                var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(node => cluster.Client.Once(node, HttpMethod.Post, "networks", body)));
                Assert.Equal([201, 409, 409], answers.Select(answer => answer.Status).Order());
                var id = answers.Single(answer => answer.Status == 201).Json!["id"]!.GetValue<string>();
                for (var node = 0; node < 3; node++)
                    Assert.Equal(200, (await cluster.Client.Once(node, HttpMethod.Get, $"networks/{id}", null)).Status);
            }

            await cluster.Nodes[0].Kill();
            cluster.Faults.Strike();
            var networks = await cluster.Client.Once(1, HttpMethod.Get, $"datacenters/{center}/networks", null);
            Assert.Equal(
                ["lan-0", "lan-1", "lan-2", "lan-3", "lan-4", "ovirtmgmt"],
                networks.Json!["network"]!.AsArray().Select(network => network!["name"]!.GetValue<string>()));
            Assert.Equal(200, (await cluster.Client.Once(2, HttpMethod.Get, "openapi.json", null)).Status);
        });
    }
}
