using System.Text.Json;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Access;

/// <summary>Something that a permission can be given on.</summary>
public readonly record struct ObjectRef(string Kind, Guid Id)
{
    /// <summary>Above everything; the id is oVirt's.</summary>
    public static ObjectRef System { get; } = new("system", new Guid("aaa00000-0000-0000-0000-123456789aaa"));
}

/// <summary>Where a document names what is above its object.</summary>
/// <param name="Path">Properties down to an id, or to a list of ids.</param>
/// <param name="Kind">Of what is named.</param>
public sealed record Above(string Path, string Kind)
{
    /// <summary>Only what is above the named object counts, not the object itself.</summary>
    public bool Skipped { get; init; }
}

/// <param name="Name">As in the read model.</param>
/// <param name="Collection">First segment of its paths.</param>
/// <param name="Field">By which a permission's document names the object.</param>
public sealed record ObjectKind(string Name, string Collection, string Field, params Above[] Parents);

/// <summary>
/// The objects of the permission tree: system, then data center, then cluster and storage domain, then host, VM and disk.
/// A new kind is a new line; a kind whose documents are not here yet is below the system alone.
/// </summary>
public static class ObjectKinds
{
    public static IReadOnlyList<ObjectKind> All { get; } =
    [
        new(Kinds.DataCenter, "datacenters", "data_center"),
        new(Kinds.Cluster, "clusters", "cluster", new Above("config.dataCenter", Kinds.DataCenter)),
        new(Kinds.Host, "hosts", "host", new Above("config.cluster", Kinds.Cluster)),
        new(Kinds.Vm, "vms", "vm", new Above("config.cluster", Kinds.Cluster)),
        new(Kinds.Template, "templates", "template", new Above("config.cluster", Kinds.Cluster) { Skipped = true }),
        new(Kinds.StorageDomain, "storagedomains", "storage_domain", new Above("dataCenter", Kinds.DataCenter)),
        new(Kinds.Disk, "disks", "disk", new Above("config.storageDomain", Kinds.StorageDomain), new Above("vms", Kinds.Vm)),
        new("vmpool", "vmpools", "vm_pool", new Above("config.cluster", Kinds.Cluster)),
        new("network", "networks", "network", new Above("config.dataCenter", Kinds.DataCenter)),
        new("vnicprofile", "vnicprofiles", "vnic_profile", new Above("config.network", "network")),
        new("macpool", "macpools", "mac_pool"),
        new("quota", "quotas", "quota", new Above("config.dataCenter", Kinds.DataCenter)),
        new("cpuprofile", "cpuprofiles", "cpu_profile", new Above("config.cluster", Kinds.Cluster)),
        new("diskprofile", "diskprofiles", "disk_profile", new Above("config.storageDomain", Kinds.StorageDomain)),
    ];

    private static readonly Dictionary<string, ObjectKind> _byName = All.ToDictionary(kind => kind.Name);
    private static readonly Dictionary<string, ObjectKind> _byCollection = All.ToDictionary(kind => kind.Collection);
    private static readonly Dictionary<string, ObjectKind> _byShape = All.ToDictionary(kind => kind.Field);

    public static ObjectKind? Named(string name) => _byName.GetValueOrDefault(name);

    public static ObjectKind? InCollection(string segment) => _byCollection.GetValueOrDefault(segment);

    public static ObjectKind? Of(Shape shape) => _byShape.GetValueOrDefault(shape.Name);

    /// <summary>What a document names above its object.</summary>
    public static IReadOnlyList<(Above Rule, Guid Id)> ParentsIn(Document document)
    {
        if (Named(document.Kind) is not { Parents: { Length: > 0 } rules }) return [];
        // Blank is nobody's: it belongs to the data center only because every template must name a cluster.
        if (document.Kind == Kinds.Template && document.Id == TemplateId.Blank.Value) return [];
        using var json = JsonDocument.Parse(document.Json);
        var parents = new List<(Above, Guid)>();
        foreach (var rule in rules)
        {
            var at = json.RootElement;
            var found = true;
            foreach (var step in rule.Path.Split('.'))
                found = found && at.ValueKind == JsonValueKind.Object && at.TryGetProperty(step, out at);
            if (!found) continue;
            if (at.ValueKind == JsonValueKind.String && at.TryGetGuid(out var id)) parents.Add((rule, id));
            if (at.ValueKind == JsonValueKind.Array)
                foreach (var item in at.EnumerateArray())
                    if (item.ValueKind == JsonValueKind.String && item.TryGetGuid(out var each))
                        parents.Add((rule, each));
        }

        return parents;
    }
}
