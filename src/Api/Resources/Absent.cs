using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>
/// Parts of oVirt's API that this engine does not carry. Where an empty list is the truth (there are no tags), it is
/// the answer; where it would be a lie (every oVirt has operating systems), the answer says that the part is missing.
/// </summary>
internal static class Absent
{
    private static readonly (string Path, Shape Shape)[] _empty =
    [
        ("affinitylabels", Shapes.Reference("affinity_label", "affinity_labels")),
        ("bookmarks", Shapes.Reference("bookmark", "bookmarks")),
        ("externalhostproviders", Shapes.Reference("external_host_provider", "external_host_providers")),
        ("katelloerrata", Shapes.Reference("katello_erratum", "katello_errata")),
        ("networks", Shapes.Network),
        ("openstackimageproviders", Shapes.Reference("openstack_image_provider", "openstack_image_providers")),
        ("openstacknetworkproviders", Shapes.Reference("openstack_network_provider", "openstack_network_providers")),
        ("openstackvolumeproviders", Shapes.Reference("openstack_volume_provider", "openstack_volume_providers")),
        ("tags", Shapes.Tag),
        ("vmpools", Shapes.Reference("vm_pool", "vm_pools")),
        ("vnicprofiles", Shapes.VnicProfile),
        ("clusters/{id}/affinitygroups", Shapes.Reference("affinity_group", "affinity_groups")),
        ("clusters/{id}/networks", Shapes.Network),
        ("datacenters/{id}/networks", Shapes.Network),
        ("datacenters/{id}/quotas", Shapes.Reference("quota", "quotas")),
        ("datacenters/{id}/qoss", Shapes.Reference("qos", "qoss")),
        ("datacenters/{id}/iscsibonds", Shapes.Reference("iscsi_bond", "iscsi_bonds")),
        ("hosts/{id}/tags", Shapes.Tag),
        ("templates/{id}/tags", Shapes.Tag),
        ("vms/{id}/tags", Shapes.Tag),
        ("vms/{id}/backups", Shapes.Reference("backup", "backups")),
        ("vms/{id}/checkpoints", Shapes.Reference("checkpoint", "checkpoints")),
    ];

    private static readonly string[] _missing =
    [
        "clusterlevels", "cpuprofiles", "diskprofiles", "externaltemplateimports", "externalvmimports",
        "icons", "instancetypes", "macpools", "operatingsystems", "options",
        "schedulingpolicies", "schedulingpolicyunits",
        "clusters/{id}/cpuprofiles",
        "hosts/{id}/nics",
        "hosts/{id}/devices", "hosts/{id}/numanodes",
        "hosts/{id}/networkattachments", "storagedomains/{id}/vms",
        "storagedomains/{id}/templates", "storagedomains/{id}/diskprofiles",
        "vms/{id}/hostdevices",
    ];

    private static readonly string[] _missingActions =
    [
        "clusters/{id}/upgrade", "disks/{id}/export", "hosts/{id}/refresh",
        "hosts/{id}/setupnetworks",
        "hosts/{id}/commitnetconfig", "hosts/{id}/forceselectspm", "reloadconfigurations",
        "vms/{id}/export", "vms/{id}/detach",
        "vms/{id}/logon", "vms/{id}/screenshot", "vms/{id}/maintenance",
        "vms/{id}/reordermacaddresses", "events", "jobs",
        "storagedomains/{id}/refreshluns", "storagedomains/{id}/updateovfstore",
    ];

    public static void Map(Router router)
    {
        foreach (var (path, shape) in _empty)
        {
            router.Get(path, call => Empty(call, path, shape)).Post(path, _ => throw NotYet(path));
            router.Get(path + "/{id}", call => throw FaultException.Unknown(shape.Name, call.Ids[^1]));
        }

        foreach (var path in _missing) router.Get(path, _ => throw NotYet(path)).Post(path, _ => throw NotYet(path));
        foreach (var path in _missingActions) router.Post(path, _ => throw NotYet(path));
    }

    /// <summary>An empty list, but 404 below an object that does not exist.</summary>
    private static async Task<Answer> Empty(ApiCall call, string path, Shape shape)
    {
        if (call.Ids.Count > 0)
        {
            var kind = path[..path.IndexOf('/', StringComparison.Ordinal)].TrimEnd('s');
            if (call.Id() != Guid.Empty && await call.Find(kind, call.Id()) is null)
                throw FaultException.Unknown(kind, call.Ids[0]);
        }

        return Answer.Of(shape, []);
    }

    private static FaultException NotYet(string path) => FaultException.NotYet($"'{path}'");
}
