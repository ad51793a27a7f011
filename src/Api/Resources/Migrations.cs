using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>oVirt's MigrationOptions of clusters and VMs, and how far a migration is.</summary>
internal static class Migrations
{
    /// <summary>The options after a request; null when it has none. What the request leaves out stays as it is.</summary>
    /// <exception cref="FaultException">400: a value that is not possible.</exception>
    public static MigrationOptions? Read(Element body, MigrationOptions present)
    {
        if (body.One("migration") is not { } given) return null;
        var bandwidth = given.One("bandwidth");
        var options = present with
        {
            AutoConverge = Inherits(given.Text("auto_converge")) ?? present.AutoConverge,
            Compressed = Inherits(given.Text("compressed")) ?? present.Compressed,
            Encrypted = Inherits(given.Text("encrypted")) ?? present.Encrypted,
            Policy = given.One("policy") is { } policy ? PolicyOf(policy) : present.Policy,
            Parallel = given.Text("parallel_migrations_policy") switch
            {
                "inherit" => ParallelMigrations.Inherit,
                "auto" => ParallelMigrations.Auto,
                "auto_parallel" => ParallelMigrations.AutoParallel,
                "disabled" => ParallelMigrations.Disabled,
                "custom" => ParallelMigrations.Custom,
                _ => present.Parallel,
            },
            CustomParallel = given.Integer("custom_parallel_migrations") ?? present.CustomParallel,
            Bandwidth = bandwidth?.Text("assignment_method") switch
            {
                "auto" => BandwidthMethod.Auto,
                "hypervisor_default" => BandwidthMethod.HypervisorDefault,
                "custom" => BandwidthMethod.Custom,
                _ => present.Bandwidth,
            },
            CustomBandwidth = bandwidth?.Integer("custom_value") ?? present.CustomBandwidth,
        };
        return options.Wrong() is { } field
            ? throw FaultException.Bad($"{field} has no possible value: a policy is one of "
                + $"{string.Join(", ", MigrationPolicy.All.Select(p => $"{p.Id} ({p.Name})"))}; custom_parallel_migrations are 2 to "
                + "255 for the policy custom; bandwidth.custom_value is 1 Mbit/s or more for the method custom")
            : options;
    }

    /// <summary>The network that a request names for the memory of a cluster's guests; empty: none any more, null: nothing is
    /// said of it.</summary>
    /// <exception cref="FaultException">400: it is no network.</exception>
    public static string? Network(Element body) =>
        body.One("migration")?.Text("network_cidr")?.Trim() switch
        {
            null => null,
            "" => "",
            var text => MigrationNetwork.Read(text) ?? throw FaultException.Bad(
                $"migration.network_cidr is '{text}'; it must be a network as 10.78.0.0/24 or fd00:78::/64, whose bits after the "
                + "prefix are zero, or empty for none"),
        };

    /// <summary>A VM goes by the network of its cluster.</summary>
    /// <exception cref="FaultException">400: the request names one.</exception>
    public static MigrationOptions? ReadOfVm(Element body, MigrationOptions present) => Network(body) is { Length: > 0 }
        ? throw FaultException.Bad("migration.network_cidr is named by a cluster, for all of its VMs")
        : Read(body, present);

    public static Element Show(MigrationOptions options)
    {
        var shown = Shapes.MigrationOptions.New()
            .With("auto_converge", Word(options.AutoConverge))
            .With("compressed", Word(options.Compressed))
            .With("encrypted", Word(options.Encrypted))
            .With("parallel_migrations_policy", options.Parallel switch
            {
                ParallelMigrations.Auto => "auto",
                ParallelMigrations.AutoParallel => "auto_parallel",
                ParallelMigrations.Disabled => "disabled",
                ParallelMigrations.Custom => "custom",
                _ => "inherit",
            });
        if (options.Parallel == ParallelMigrations.Custom) shown.With("custom_parallel_migrations", options.CustomParallel);
        return options.Policy is { } policy ? shown.With("policy", Shapes.MigrationPolicy.New(policy.ToString(), null)) : shown;
    }

    /// <summary>A cluster inherits from nobody: it shows what it comes to.</summary>
    public static Element ShowOfCluster(ClusterConfig cluster)
    {
        var options = cluster.Migration;
        var bandwidth = Shapes.MigrationBandwidth.New().With("assignment_method", options.Bandwidth switch
        {
            BandwidthMethod.HypervisorDefault => "hypervisor_default",
            BandwidthMethod.Custom => "custom",
            _ => "auto",
        });
        if (options.Bandwidth == BandwidthMethod.Custom) bandwidth.With("custom_value", options.CustomBandwidth);
        var shown = Show(options with
        {
            Policy = options.Policy ?? MigrationPolicy.MinimalDowntime.Id,
            Parallel = options.Parallel == ParallelMigrations.Inherit ? ParallelMigrations.Disabled : options.Parallel,
        }).With("bandwidth", bandwidth);
        return cluster.MigrationNetwork == "" ? shown : shown.With("network_cidr", cluster.MigrationNetwork);
    }

    /// <summary>How far the VM's migration is, of the memory of who carries it out; null when none is under way.</summary>
    public static async Task<MigrationProgress?> Progress(ApiCall call, VmView view) =>
        view.TaskState == "migrating" ? (await call.Ask<VmView>(Kinds.Vm, view.Id.Value, new Look())).Migration : null;

    /// <summary>A policy without an id is none: it is inherited.</summary>
    private static Guid? PolicyOf(Element policy) => Refs.IdOf(policy);

    private static Inheritable? Inherits(string? word) => word switch
    {
        "inherit" => Inheritable.Inherit,
        "true" => Inheritable.True,
        "false" => Inheritable.False,
        _ => null,
    };

    private static string Word(Inheritable value) => value switch
    {
        Inheritable.True => "true",
        Inheritable.False => "false",
        _ => "inherit",
    };
}
