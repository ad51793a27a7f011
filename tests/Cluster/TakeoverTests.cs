using Orchestrator.Tests.Cluster.Harness;
using Orchestrator.Tests.Cluster.Takeover;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>
/// Ten thousand VMs in memory, and a node goes: killed, frozen, asked to leave. The figures are printed; the limits here
/// are those of the promise, times what a busy machine may cost (bench/Takeover holds the promise itself).
/// </summary>
public sealed class TakeoverTests(ITestOutputHelper output)
{
    private const double Busy = 3;

    [SkippableFact]
    public async Task Ten_thousand_resident_entities_survive_the_loss_of_their_node_within_seconds()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var options = new TestClusterOptions { Hosts = 4, Watched = false, More = TakeoverRounds.Settings };
        await TestCluster.Run(options, Say, async cluster =>
        {
            var vms = await ManyVms.Make(cluster, Rounds.Count(10_000));
            await using var asker = await AskingMember.Join(cluster);
            var rounds = new TakeoverRounds(cluster, asker, vms);
            var kill = await rounds.Kill(cluster.Nodes[0]);
            Say($"{kill}");
            var freeze = await rounds.Freeze(cluster.Nodes[1]);
            Say($"{freeze}");
            var leave = await rounds.Leave(cluster.Nodes[2]);
            Say($"{leave}");

            Assert.True(kill.Median.TotalSeconds < Busy * 1, $"{kill}");
            Assert.True(kill.Worst.TotalSeconds < Busy * 5, $"{kill}");
            Assert.True(freeze.Worst.TotalSeconds < Busy * 5, $"{freeze}");
            Assert.True(leave.Worst.TotalSeconds < Busy * 0.5, $"{leave}");
            Assert.True(leave.OverRest[^1].TotalSeconds < Busy * 0.5, $"{leave}");
        });
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
