using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;

namespace Orchestrator.Tests.Deciders;

/// <summary>Who may be fenced, as oVirt's fencing_policy has it.</summary>
public sealed class FencingPolicyTests
{
    private static readonly ClusterConfig _cluster = new() { Name = "c", DataCenter = new DataCenterId(Making.Id(0)) };

    [Theory]
    [InlineData(true, false, 50, 10, 10, null)]
    [InlineData(false, false, 50, 10, 1, FenceSkip.Disabled)]
    [InlineData(false, true, 50, 10, 9, FenceSkip.Disabled)]
    [InlineData(true, true, 50, 10, 4, null)]
    [InlineData(true, true, 50, 10, 5, FenceSkip.ConnectivityBroken)]
    [InlineData(true, true, 51, 2, 1, null)]
    [InlineData(true, true, 33, 3, 1, FenceSkip.ConnectivityBroken)]
    [InlineData(true, true, 100, 3, 2, null)]
    [InlineData(true, true, 100, 3, 3, FenceSkip.ConnectivityBroken)]
    [InlineData(true, true, 50, 0, 0, null)]
    public void The_policy_says_when_a_silent_host_is_not_fenced(
        bool enabled, bool skips, int threshold, int hosts, int unreached, FenceSkip? expected)
    {
        var cluster = _cluster with
        {
            FencingEnabled = enabled,
            SkipFencingIfConnectivityBroken = skips,
            BrokenConnectivityThreshold = threshold,
        };
        var skip = FencingPolicy.Forbids(cluster, renews: true, hosts, unreached);
        Assert.Equal(expected, skip?.Why);
        Assert.Equal(skip is not null, skip?.Words.Contains("cluster c", StringComparison.Ordinal) ?? false);
        Assert.Equal(enabled && skips ? FencingPolicy.OthersAwaited : TimeSpan.Zero, FencingPolicy.Grace(cluster, bound: true));
    }

    [Theory]
    [InlineData(true, true, true, FenceSkip.StorageActive)]
    [InlineData(true, true, false, null)]
    [InlineData(true, false, true, null)]
    [InlineData(false, true, true, FenceSkip.Disabled)]
    public void A_host_that_renews_its_lease_on_the_storage_is_spared_where_the_policy_wants_it(
        bool enabled, bool skips, bool renews, FenceSkip? expected)
    {
        var cluster = _cluster with { FencingEnabled = enabled, SkipFencingIfStorageActive = skips };
        Assert.Equal(expected, FencingPolicy.Forbids(cluster, renews, 3, 1)?.Why);
        Assert.Equal(
            enabled && skips ? FencingPolicy.RenewalAwaited : TimeSpan.Zero, FencingPolicy.Grace(cluster, bound: true));
        Assert.Equal(TimeSpan.Zero, FencingPolicy.Grace(cluster, bound: false));
    }
}
