using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Tests.Simulation;

/// <summary>Half of the hosts fall silent at the same moment: are they dead, or is the engine cut off? The cluster's
/// fencing policy decides.</summary>
public sealed class PartitionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Half_of_the_hosts_cut_off_are_fenced_unless_the_policy_forbids_it(bool forbidden)
    {
        var policy = new ClusterPatch { SkipFencingIfConnectivityBroken = forbidden };
        var told = Run(policy, hosts: 6, cut: 3);
        Assert.Equal(forbidden, !told.Any(IsCut));
        Assert.Equal(forbidden ? 3 : 0, told.Count(l => l.Contains("its power is not cut: 3 of 6 hosts", StringComparison.Ordinal)));
    }

    [Fact]
    public void One_host_of_three_is_fenced_under_the_policy()
    {
        var told = Run(new ClusterPatch { SkipFencingIfConnectivityBroken = true }, hosts: 3, cut: 1);
        Assert.Single(told, IsCut);
    }

    [Fact]
    public void Nobody_is_fenced_where_fencing_is_disabled()
    {
        var told = Run(new ClusterPatch { FencingEnabled = false }, hosts: 3, cut: 1);
        Assert.DoesNotContain(told, IsCut);
        Assert.Single(told, l => l.Contains("its power is not cut: fencing is disabled", StringComparison.Ordinal));
    }

    private static bool IsCut(string line) => line.Contains("power cut", StringComparison.Ordinal);

    /// <summary>A calm installation of which some hosts are cut off for a minute.</summary>
    private static IReadOnlyList<string> Run(ClusterPatch policy, int hosts, int cut)
    {
        using var simulation = new Simulation(new Options
        {
            Seed = 5,
            Hosts = hosts,
            Vms = 12,
            Time = TimeSpan.FromMinutes(5),
            Storm = TimeSpan.FromHours(1),
            FaultEvery = TimeSpan.FromHours(10),
            CommandEvery = TimeSpan.FromHours(10),
            Keep = int.MaxValue,
        });
        simulation.After(TimeSpan.FromSeconds(80), () =>
        {
            var cluster = simulation.Database.Read.Of(Kinds.Cluster).Single().Document.Id;
            _ = simulation.Clients.Ask(Kinds.Cluster, cluster, "set the fencing policy", o => new ClusterCommand.Update(o, policy));
        });
        simulation.After(TimeSpan.FromSeconds(100), () =>
        {
            foreach (var host in simulation.World.Hosts.Take(cut)) simulation.World.Faults.CutOff(host, duration: TimeSpan.FromMinutes(1));
        });
        var outcome = simulation.Run();
        Assert.Empty(outcome.Violations);
        return [.. simulation.Timeline.Lines];
    }
}
