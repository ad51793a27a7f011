using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Tests.Deciders;

/// <summary>What the options of a cluster and of a VM come to.</summary>
public sealed class MigrationTermsTests
{
    private static readonly HostId _from = new(Making.Id(1));

    [Theory]
    [InlineData("80554327-0569-496b-bdeb-fcbbf52b827b", 2, 100, "1:150 2:200 3:300 4:400 6:500 abort")]
    [InlineData("80554327-0569-496b-bdeb-fcbbf52b827c", 1, 100, "1:150 2:200 3:300 4:400 6:500 -1:5000 abort")]
    [InlineData("a7aeedb2-8d66-4e51-bb22-32595027ce71", 2, 100, "1:150 2:200 postcopy abort")]
    [InlineData("00000000-0000-0000-0000-000000000000", 2, 101, "1:104 2:120 3:189 4:500 abort")]
    public void A_policy_of_oVirt_has_its_limits_and_steps(string id, int atOnce, int first, string steps)
    {
        var terms = Terms(new MigrationOptions { Policy = new Guid(id) });
        Assert.Equal((atOnce, first, steps), (AtOnce(new MigrationOptions { Policy = new Guid(id) }), terms.FirstDowntimeMs, Words(terms)));
    }

    [Fact]
    public void A_cluster_without_a_policy_has_minimal_downtime() =>
        Assert.Equal(MigrationPolicy.MinimalDowntime.Id, Terms(new MigrationOptions()).Policy);

    [Fact]
    public void What_a_vm_says_comes_before_what_its_cluster_says()
    {
        var cluster = new MigrationOptions { Policy = Guid.Empty, AutoConverge = Inheritable.True, Encrypted = Inheritable.True };
        var vm = new MigrationOptions { AutoConverge = Inheritable.False, Compressed = Inheritable.True };
        var terms = Terms(cluster, vm);
        Assert.Equal((false, true, true), (terms.AutoConverge, terms.Compressed, terms.Encrypted));
        Assert.Equal(MigrationPolicy.PostCopy.Id, Terms(cluster, vm with { Policy = MigrationPolicy.PostCopy.Id }).Policy);
    }

    [Fact]
    public void A_vms_longest_stop_is_obeyed_by_the_policy_Legacy_only()
    {
        var own = new Move(_from, new MigrationOptions(), 1000);
        Assert.Contains("4:1000", Words(MigrationTerms.Of(new MigrationOptions { Policy = Guid.Empty }, own, 1, 0)), StringComparison.Ordinal);
        Assert.DoesNotContain("1000", Words(MigrationTerms.Of(new MigrationOptions(), own, 1, 0)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(BandwidthMethod.Auto, 0, 1000, 62)]
    [InlineData(BandwidthMethod.Auto, 0, 0, 0)]
    [InlineData(BandwidthMethod.Custom, 160, 1000, 10)]
    [InlineData(BandwidthMethod.Custom, 1, 1000, 1)]
    [InlineData(BandwidthMethod.HypervisorDefault, 0, 1000, 52)]
    public void The_link_is_shared_by_the_migrations_that_a_host_may_have(BandwidthMethod method, int custom, int link, int each) =>
        Assert.Equal(each, MigrationTerms.Of(
            new MigrationOptions { Bandwidth = method, CustomBandwidth = custom }, new Move(_from, new MigrationOptions(), null), 1, link).BandwidthMiB);

    [Theory]
    [InlineData(ParallelMigrations.Inherit, 0, 16, 40_000, 0)]
    [InlineData(ParallelMigrations.Auto, 0, 16, 40_000, 4)]
    [InlineData(ParallelMigrations.Auto, 0, 3, 100_000, 3)]
    [InlineData(ParallelMigrations.Auto, 0, 16, 10_000, 0)]
    [InlineData(ParallelMigrations.AutoParallel, 0, 16, 10_000, 2)]
    [InlineData(ParallelMigrations.Custom, 8, 4, 0, 4)]
    [InlineData(ParallelMigrations.Custom, 8, 1, 0, 2)]
    [InlineData(ParallelMigrations.Custom, 200, 400, 0, 200)]
    public void So_many_connections_are_used(ParallelMigrations how, int custom, int vCpus, int link, int connections) =>
        Assert.Equal(connections, MigrationTerms.Of(
            new MigrationOptions { Parallel = how, CustomParallel = custom }, new Move(_from, new MigrationOptions(), null), vCpus, link).Connections);

    [Fact]
    public void With_parallel_connections_one_moves_at_a_time_uncompressed_and_without_post_copy()
    {
        var cluster = new MigrationOptions { Parallel = ParallelMigrations.Custom, CustomParallel = 2, Policy = MigrationPolicy.PostCopy.Id };
        Assert.Equal(1, AtOnce(cluster));
        Assert.DoesNotContain("postcopy", Words(Terms(cluster)), StringComparison.Ordinal);
        Assert.False(Terms(cluster with { Policy = MigrationPolicy.SuspendIfNeeded.Id }).Compressed);
    }

    [Fact]
    public void Very_large_vms_go_without_a_copy_by_two_connections_unless_encrypted()
    {
        var plain = Terms(new MigrationOptions { Policy = MigrationPolicy.VeryLarge.Id });
        Assert.Equal((true, 2), (plain.ZeroCopy, plain.Connections));
        var secret = Terms(new MigrationOptions { Policy = MigrationPolicy.VeryLarge.Id, Encrypted = Inheritable.True });
        Assert.Equal((false, 0, true), (secret.ZeroCopy, secret.Connections, secret.Encrypted));
    }

    private static MigrationTerms Terms(MigrationOptions cluster, MigrationOptions? vm = null) =>
        MigrationTerms.Of(cluster, new Move(_from, vm ?? new MigrationOptions(), null), 1, 1000);

    private static int AtOnce(MigrationOptions cluster) =>
        MigrationTerms.AtOnce(cluster, new Move(_from, new MigrationOptions(), null), 1);

    private static string Words(MigrationTerms terms) => string.Join(' ', terms.Steps.Select(s => s.Action switch
    {
        MigrationAction.SetDowntime => $"{s.After}:{s.DowntimeMs}",
        MigrationAction.PostCopy => "postcopy",
        _ => "abort",
    }));
}
