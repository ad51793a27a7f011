using System.Collections.Concurrent;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class Clusters
{
    /// <summary>A cluster's architecture never changes, so it is asked for once.</summary>
    private static readonly ConcurrentDictionary<ClusterId, string> _architectures = new();

    public static void Map(Router router) => router
        .Get("clusters", List)
        .Post("clusters", Add)
        .Get("clusters/{id}", async call => Answer.Of(Show(call, await Read(call))))
        .Put("clusters/{id}", Update)
        .Delete("clusters/{id}", async call =>
        {
            await Dependents.None(call, Fault.ClusterInUse, (Kinds.Host, "config.cluster"), (Kinds.Vm, "config.cluster"));
            return await Acts.Send(call, Kinds.Cluster, call.Id(), origin => new ClusterCommand.Remove(origin));
        });

    /// <summary>Clusters of one data center.</summary>
    public static async Task<Answer> ListOf(ApiCall call, Guid dataCenter)
    {
        var views = await call.List<ClusterView>(new ReadQuery(
            Kinds.Cluster, new Dictionary<string, string> { ["config.dataCenter"] = dataCenter.ToString() },
            Max: call.Parameters.Max));
        return Answer.Of(Shapes.Cluster, [.. views.Select(view => Show(call, view))]);
    }

    public static async Task<string> ArchitectureOf(ApiCall call, ClusterId id)
    {
        if (_architectures.TryGetValue(id, out var known)) return known;
        if (await call.Find(Kinds.Cluster, id.Value) is not { } document) return "undefined";
        return _architectures[id] = WireJson.Read<ClusterView>(document.Json).Config.Architecture;
    }

    private static Task<ClusterView> Read(ApiCall call) => call.Get<ClusterView>(Kinds.Cluster, call.Id());

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<ClusterView>(call, Kinds.Cluster);
        return Answer.Of(Shapes.Cluster, [.. views.Select(view => Show(call, view))]);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Cluster);
        var name = Names.Required(body, "Cluster");
        var dataCenter = await Refs.Resolve(call, Kinds.DataCenter, body.One("data_center"))
            ?? throw FaultException.Missing("Cluster", "dataCenter.name|id", "add");
        var id = Names.NewId(body);
        var config = new ClusterConfig
        {
            Name = name,
            DataCenter = new DataCenterId(dataCenter),
            Description = body.Text("description") ?? "",
            Comment = body.Text("comment") ?? "",
            CpuType = body.One("cpu")?.Text("type") ?? "",
            Architecture = body.One("cpu")?.Text("architecture") is { } given and not "undefined" ? given : "x86_64",
            MemoryOvercommitPercent = Overcommit(body) ?? 100,
            HaReservation = body.Flag("ha_reservation") ?? false,
            Migration = Migrations.Read(body, new MigrationOptions()) ?? new MigrationOptions(),
            MigrationNetwork = Migrations.Network(body) ?? "",
            OnError = OnError(body) ?? MigrateOnError.Migrate,
        };
        config = FencingPatch(body).Apply(config);
        var view = await Names.Claiming(call, Kinds.Cluster, name, id, () => call.Ask<ClusterView>(
            Kinds.Cluster, id, new ClusterCommand.Create(call.NewOrigin(), config)));
        return Answer.Created(Show(call, view));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Cluster);
        var present = await Read(call);
        var name = Names.Changed(body, "Cluster", present.Config.Name);
        var patch = FencingPatch(body) with
        {
            Name = name,
            Description = body.Text("description"),
            Comment = body.Text("comment"),
            CpuType = body.One("cpu")?.Text("type"),
            MemoryOvercommitPercent = Overcommit(body),
            HaReservation = body.Flag("ha_reservation"),
            Migration = Migrations.Read(body, present.Config.Migration),
            MigrationNetwork = Migrations.Network(body),
            OnError = OnError(body),
        };
        var view = await Names.Renaming(call, Kinds.Cluster, name, present.Config.Name, call.Id(), () =>
            call.Ask<ClusterView>(Kinds.Cluster, call.Id(), new ClusterCommand.Update(call.NewOrigin(), patch)));
        return Answer.Of(Show(call, view));
    }

    private static ClusterPatch FencingPatch(Element body)
    {
        if (body.One("fencing_policy") is not { } policy) return new ClusterPatch();
        if (policy.Flag("skip_if_gluster_bricks_up") == true || policy.Flag("skip_if_gluster_quorum_not_met") == true)
            throw FaultException.NotYet("Gluster");
        var broken = policy.One("skip_if_connectivity_broken");
        var threshold = broken?.Integer("threshold");
        if (threshold is < 1 or > 100)
            throw FaultException.Bad(
                $"fencing_policy.skip_if_connectivity_broken.threshold is {threshold}; it must be from 1 to 100");
        var atOnce = policy.Integer("max_fences_at_once");
        if (atOnce is < 0 or > 1000)
            throw FaultException.Bad($"fencing_policy.max_fences_at_once is {atOnce}; it must be from 0 (no limit) to 1000");
        return new ClusterPatch
        {
            MaxFencesAtOnce = atOnce,
            FencingEnabled = policy.Flag("enabled"),
            SkipFencingIfStorageActive = policy.One("skip_if_sd_active")?.Flag("enabled"),
            SkipFencingIfConnectivityBroken = broken?.Flag("enabled"),
            BrokenConnectivityThreshold = threshold,
        };
    }

    private static MigrateOnError? OnError(Element body) => body.One("error_handling")?.Text("on_error") switch
    {
        "migrate" => MigrateOnError.Migrate,
        "migrate_highly_available" => MigrateOnError.MigrateHighlyAvailable,
        "do_not_migrate" => MigrateOnError.DoNotMigrate,
        _ => null,
    };

    private static int? Overcommit(Element body)
    {
        var percent = body.One("memory_policy")?.One("over_commit")?.Integer("percent");
        return percent is null or (>= 100 and <= 200)
            ? percent
            : throw FaultException.Bad($"memory_policy.over_commit.percent is {percent}; it must be from 100 to 200");
    }

    private static Element Show(ApiCall call, ClusterView view)
    {
        var config = view.Config;
        return Shapes.Cluster.New(view.Id.Value, Hrefs.Cluster(view.Id.Value))
            .With("name", config.Name)
            .With("description", config.Description)
            .With("comment", config.Comment)
            .With("cpu", Shapes.Cpu.New().With("architecture", config.Architecture).With("type", config.CpuType))
            .With("version", Versions.Level(call.World.Options))
            .With("memory_policy", Shapes.ClusterMemoryPolicy.New()
                .With("over_commit", Shapes.OverCommit.New().With("percent", config.MemoryOvercommitPercent)))
            .With("fencing_policy", Shapes.FencingPolicy.New()
                .With("enabled", config.FencingEnabled)
                .With("max_fences_at_once", config.MaxFencesAtOnce)
                .With("skip_if_connectivity_broken", Shapes.SkipIfConnectivityBroken.New()
                    .With("enabled", config.SkipFencingIfConnectivityBroken)
                    .With("threshold", config.BrokenConnectivityThreshold))
                .With("skip_if_sd_active", Shapes.Switch.New()
                    .With("enabled", config.SkipFencingIfStorageActive))
                .With("skip_if_gluster_bricks_up", false)
                .With("skip_if_gluster_quorum_not_met", false))
            .With("migration", Migrations.ShowOfCluster(config))
            .With("error_handling", Shapes.ErrorHandling.New().With("on_error", config.OnError switch
            {
                MigrateOnError.MigrateHighlyAvailable => "migrate_highly_available",
                MigrateOnError.DoNotMigrate => "do_not_migrate",
                _ => "migrate",
            }))
            .With("virt_service", true)
            .With("gluster_service", false)
            .With("ha_reservation", config.HaReservation)
            .With("data_center", Refs.To(config.DataCenter))
            .WithLink("networks", $"{Hrefs.Cluster(view.Id.Value)}/networks")
            .WithLink("cpuprofiles", $"{Hrefs.Cluster(view.Id.Value)}/cpuprofiles");
    }
}
