using Orchestrator.Actors.Journal;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Kinds of configuration that need no rules beside their fields: bookmarks, profiles, quality of service, quotas,
/// instance types.</summary>
internal static class SmallKinds
{
    private static readonly (string Name, long Mebibytes, int Sockets, long Most)[] _instanceTypes =
        [("Tiny", 512, 1, 2048), ("Small", 2048, 1, 8192), ("Medium", 4096, 2, 16_384), ("Large", 8192, 2, 32_768), ("XLarge", 16_384, 4, 65_536)];

    private static readonly Configured _bookmarks = new()
    {
        Kind = "bookmark",
        Path = "bookmarks",
        Title = "Bookmark",
        Shape = Shapes.Bookmark,
        Check = (_, _, bookmark) => string.IsNullOrEmpty(bookmark.Text("value"))
            ? throw FaultException.Missing("Bookmark", "value", "add")
            : Task.CompletedTask,
    };

    private static readonly Configured _cpuProfiles = new()
    {
        Kind = "cpuprofile",
        Path = "cpuprofiles",
        Title = "CpuProfile",
        Shape = Shapes.CpuProfile,
        Owner = "cluster",
        OwnerKind = Kinds.Cluster,
        Places = CataloguePlaces.OfKind(Kinds.Cluster),
        BuiltIn = place => [Shapes.CpuProfile.New(NamedIds.Of($"CPU profile of {place.Id}")).With("name", "Default")
            .With("description", "").With("cluster", Shapes.Cluster.New(place.Id))],
        Check = (_, _, profile) => profile.Has("qos")
            ? throw FaultException.NotYet("The qos of a CPU profile", "Give each VM its own cpu_shares.")
            : Task.CompletedTask,
    };

    private static readonly Configured _diskProfiles = new()
    {
        Kind = "diskprofile",
        Path = "diskprofiles",
        Title = "DiskProfile",
        Shape = Shapes.DiskProfile,
        Owner = "storage_domain",
        OwnerKind = Kinds.StorageDomain,
        Places = CataloguePlaces.OfKind(Kinds.StorageDomain),
        BuiltIn = place => [Shapes.DiskProfile.New(NamedIds.Of($"disk profile of {place.Id}"))
            .With("name", place.Name.Length > 0 ? place.Name : "Default").With("description", "").With("storage_domain", Shapes.StorageDomain.New(place.Id))],
        Check = (_, _, profile) => profile.Has("qos")
            ? throw FaultException.NotYet("The qos of a disk profile", "Give each disk attachment its own qos.")
            : Task.CompletedTask,
    };

    private static readonly Configured _qos = new()
    {
        Kind = "qos",
        Path = "datacenters/{id}/qoss",
        Title = "Qos",
        Shape = Shapes.Qos,
        Owner = "data_center",
        OwnerKind = Kinds.DataCenter,
        Places = CataloguePlaces.OfKind(Kinds.DataCenter),
        Check = (_, _, qos) => qos.Has("type") ? Task.CompletedTask : throw FaultException.Missing("Qos", "type", "add"),
    };

    private static readonly Configured _quotas = new()
    {
        Kind = "quota",
        Path = "datacenters/{id}/quotas",
        Title = "Quota",
        Shape = Shapes.Quota,
        Owner = "data_center",
        OwnerKind = Kinds.DataCenter,
        Places = CataloguePlaces.OfKind(Kinds.DataCenter),
        BuiltIn = place => [WithLimits(Shapes.Quota.New(NamedIds.Of($"quota of {place.Id}")).With("name", "Default").With("description", "Default unlimited quota")
            .With("data_center", Shapes.DataCenter.New(place.Id)))],
        Check = (_, _, quota) =>
        {
            WithLimits(quota);
            return Task.CompletedTask;
        },
    };

    private static readonly Configured _instances = new()
    {
        Kind = "instancetype",
        Path = "instancetypes",
        Title = "InstanceType",
        Shape = Shapes.InstanceType,
        BuiltIn = _ => _instanceTypes.Select(type => Shapes.InstanceType.New(NamedIds.Of($"instance type {type.Name}"))
            .With("name", type.Name).With("description", $"{type.Name} instance type")
            .With("memory", type.Mebibytes << 20)
            .With("memory_policy", Shapes.MemoryPolicy.New().With("guaranteed", type.Mebibytes << 20).With("max", type.Most << 20))
            .With("cpu", Shapes.Cpu.New().With("topology", Shapes.Topology.New().With("cores", 1).With("sockets", type.Sockets).With("threads", 1)))),
        Check = (_, _, type) =>
        {
            var memory = type.Number("memory") ?? 1L << 30;
            if (memory is < (1 << 20) or > (1L << 46)) throw FaultException.Bad($"InstanceType.memory is {memory}; it is in bytes, from one mebibyte on");
            type.With("memory", memory);
            return Task.CompletedTask;
        },
    };

    public static void Map(Router router)
    {
        _bookmarks.Map(router);
        _instances.Map(router);
        _cpuProfiles.Map(router);
        _cpuProfiles.MapBelow(router, "clusters/{id}/cpuprofiles");
        _diskProfiles.Map(router);
        _diskProfiles.MapBelow(router, "storagedomains/{id}/diskprofiles");
        _qos.MapBelow(router, "datacenters/{id}/qoss", isChangedHere: true);
        _quotas.MapBelow(router, "datacenters/{id}/quotas", isChangedHere: true);
    }

    private static Element WithLimits(Element quota) => quota
        .With("cluster_hard_limit_pct", quota.Integer("cluster_hard_limit_pct") ?? 20)
        .With("cluster_soft_limit_pct", quota.Integer("cluster_soft_limit_pct") ?? 80)
        .With("storage_hard_limit_pct", quota.Integer("storage_hard_limit_pct") ?? 20)
        .With("storage_soft_limit_pct", quota.Integer("storage_soft_limit_pct") ?? 80);
}
