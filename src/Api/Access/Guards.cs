using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Resources;
using static Orchestrator.Api.Access.Permit;
using static Orchestrator.Api.Access.Places;

namespace Orchestrator.Api.Access;

/// <summary>
/// Who may ask for what: every route of the API, one line each or one for all below a path. The line with the longest path
/// wins. A route without a line is for SuperUser alone; a test finds it.
/// </summary>
public static class Guards
{
    private const string Write = "POST PUT DELETE";
    private static readonly List<GuardLine> _lines = [.. Vms(), .. Disks(), .. Clusters(), .. Storage(), .. People(), .. Rest()];
    private static readonly Dictionary<(string, string), GuardLine> _exact = Index(below: false);
    private static readonly Dictionary<(string, string), GuardLine> _below = Index(below: true);

    public static IReadOnlyList<GuardLine> All => _lines;

    public static GuardLine? Find(string method, string pattern)
    {
        if (_exact.TryGetValue((method, pattern), out var exact)) return exact;
        for (var path = pattern; ; path = path[..path.LastIndexOf('/')])
        {
            if (_below.TryGetValue((method, path), out var line)) return line;
            if (!path.Contains('/', StringComparison.Ordinal)) return null;
        }
    }

    private static IEnumerable<GuardLine> Vms() =>
    [
        Seen("vms", Kinds.Vm),
        Line("POST", "vms",
            On(CreateVm, Body(Shapes.Vm, Kinds.Cluster, "cluster")),
            On(CreateVm, Body(Shapes.Vm, Kinds.Template, "template").Or(_ => Some(new ObjectRef(Kinds.Template, Actors.TemplateId.Blank.Value)))),
            On(ChangeVmCustomProperties, Body(Shapes.Vm, Kinds.Cluster, "cluster")) with { When = Says(Shapes.Vm, CustomProperties) },
            On(EditAdminVmProperties, Body(Shapes.Vm, Kinds.Cluster, "cluster")) with { When = Says(Shapes.Vm, HostChosen) },
            On(CreateDisk, NewDisks(Shapes.Vm, "disk_attachments[].")).IfAny(),
            On(AttachDisk, OldDisks(Shapes.Vm, "disk_attachments[].")).IfAny()),
        Line("PUT", "vms/{id}",
            On(EditVmProperties, At(Kinds.Vm)),
            On(CreateVm, Body(Shapes.Vm, Kinds.Cluster, "cluster")).IfAny(),
            On(ChangeVmCustomProperties, At(Kinds.Vm)) with { When = Says(Shapes.Vm, CustomProperties) },
            On(EditAdminVmProperties, At(Kinds.Vm)) with { When = Says(Shapes.Vm, HostChosen) }),
        Line("DELETE", "vms/{id}", On(DeleteVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/start",
            On(RunVm, At(Kinds.Vm)),
            On(ChangeVmCustomProperties, At(Kinds.Vm)) with { When = Says(Shapes.Action, $"vm.{CustomProperties}") },
            On(EditAdminVmProperties, At(Kinds.Vm)) with { When = Says(Shapes.Action, [.. HostChosen.Select(path => $"vm.{path}"), "host"]) }),
        Line("POST", "vms/{id}/stop", On(StopVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/shutdown", On(ShutDownVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/reboot", On(RebootVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/reset", On(ResetVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/suspend", On(HibernateVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/migrate", On(MigrateVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/cancelmigration", On(MigrateVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/clone",
            On(CreateVm, VmsCluster), On(CreateDisk, DisksPlaces).IfAny(), Sees(Kinds.Vm)),
        Line("POST", "vms/{id}/export", On(ImportExportVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/detach", On(EditVmProperties, At(Kinds.Vm))),
        Line("POST", "vms/{id}/logon", On(ConnectToVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/screenshot", On(ConnectToVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/maintenance", On(ManipulateHost, At(Kinds.Vm))),
        Line("POST", "vms/{id}/reordermacaddresses", On(ConfigureVmNetwork, At(Kinds.Vm))),
        Line("POST", "vms/{id}/autopincpuandnumanodes", On(EditAdminVmProperties, At(Kinds.Vm))),
        Line("POST", "vms/{id}/freezefilesystems", On(ManipulateVmSnapshots, At(Kinds.Vm))),
        Line("POST", "vms/{id}/thawfilesystems", On(ManipulateVmSnapshots, At(Kinds.Vm))),
        Line("POST", "vms/{id}/previewsnapshot", On(ManipulateVmSnapshots, At(Kinds.Vm))),
        Line("POST", "vms/{id}/commitsnapshot", On(ManipulateVmSnapshots, At(Kinds.Vm))),
        Line("POST", "vms/{id}/undosnapshot", On(ManipulateVmSnapshots, At(Kinds.Vm))),
        Line(Write, "vms/{id}/snapshots/**", On(ManipulateVmSnapshots, At(Kinds.Vm))),
        Line("POST", "vms/{id}/ticket", On(ConnectToVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/serialconsole/proxyticket", On(ConnectToSerialConsole, At(Kinds.Vm))),
        // A file for virt-viewer has a password in it.
        Line("GET", "vms/{id}/graphicsconsoles/{word}",
            Sees(Kinds.Vm), On(ConnectToVm, At(Kinds.Vm)) with { When = call => Task.FromResult(call.WantsViewer) }),
        Line("POST", "vms/{id}/graphicsconsoles/{word}/**", On(ConnectToVm, At(Kinds.Vm))),
        Line("POST", "vms/{id}/graphicsconsoles", On(EditVmProperties, At(Kinds.Vm))),
        Line("DELETE", "vms/{id}/graphicsconsoles/{word}", On(EditVmProperties, At(Kinds.Vm))),
        Line(Write, "vms/{id}/nics/**", On(ConfigureVmNetwork, At(Kinds.Vm))),
        Line("POST", "vms/{id}/diskattachments",
            On(ConfigureVmStorage, At(Kinds.Vm)),
            On(CreateDisk, NewDisks(Shapes.DiskAttachment, "")).IfAny(),
            On(AttachDisk, OldDisks(Shapes.DiskAttachment, "")).IfAny()),
        Line("PUT", "vms/{id}/diskattachments/{id}",
            On(ConfigureVmStorage, At(Kinds.Vm)),
            On(EditDiskProperties, At(Kinds.Disk, 1)) with { When = Says(Shapes.DiskAttachment, "disk") }),
        Line("DELETE", "vms/{id}/diskattachments/{id}",
            On(ConfigureVmStorage, At(Kinds.Vm)),
            On(DeleteDisk, At(Kinds.Disk, 1)) with { When = call => Task.FromResult(call.Parameters.Flag("detach_only") == false) }),
        Line(Write, "vms/{id}/cdroms/**", On(ChangeVmCd, At(Kinds.Vm))),
        Line(Write, "vms/{id}/watchdogs/**", On(EditVmProperties, At(Kinds.Vm))),
        Line(Write, "vms/{id}/numanodes/**", On(EditAdminVmProperties, At(Kinds.Vm))),
        Line(Write, "vms/{id}/hostdevices/**", On(EditAdminVmProperties, At(Kinds.Vm))),
        Line(Write, "vms/{id}/mediateddevices/**", On(EditAdminVmProperties, At(Kinds.Vm))),
        Line(Write, "vms/{id}/backups/**", On(BackupDisk, At(Kinds.Vm))),
        Line(Write, "vms/{id}/checkpoints/**", On(BackupDisk, At(Kinds.Vm))),
        Line(Write, "vms/{id}/affinitylabels/**", On(ManipulateAffinityGroups, At(Kinds.Vm))),
        Line(Write, "vms/{id}/tags/**", On(TagManagement, At(Kinds.Vm))),
        Permissions("vms", Kinds.Vm),

        Seen("templates", Kinds.Template),
        Line("POST", "templates",
            On(CreateTemplate, Body(Shapes.Template, Kinds.Vm, "vm")), new Need.Sight(Body(Shapes.Template, Kinds.Vm, "vm")), On(CreateDisk, TemplatesDisks).IfAny()),
        Line("PUT", "templates/{id}", On(EditTemplateProperties, At(Kinds.Template))),
        Line("DELETE", "templates/{id}/**", On(DeleteTemplate, At(Kinds.Template))),
        Line("POST", "templates/{id}/export", On(CopyTemplate, At(Kinds.Template))),
        Line("POST PUT", "templates/{id}/cdroms/**", On(EditTemplateProperties, At(Kinds.Template))),
        Line("POST PUT", "templates/{id}/diskattachments/**", On(EditTemplateProperties, At(Kinds.Template))),
        Line("POST PUT", "templates/{id}/watchdogs/**", On(EditTemplateProperties, At(Kinds.Template))),
        Line("POST PUT", "templates/{id}/graphicsconsoles/**", On(EditTemplateProperties, At(Kinds.Template))),
        Line("POST PUT", "templates/{id}/mediateddevices/**", On(EditAdminTemplateProperties, At(Kinds.Template))),
        Line(Write, "templates/{id}/nics/**", On(ConfigureTemplateNetwork, At(Kinds.Template))),
        Line(Write, "templates/{id}/tags/**", On(TagManagement, At(Kinds.Template))),
        Permissions("templates", Kinds.Template),

        Seen("vmpools", "vmpool"),
        Line("POST", "vmpools", On(CreateVmPool, Body(Shapes.Vm, Kinds.Cluster, "cluster"))),
        Line("PUT", "vmpools/{id}", On(EditVmPoolConfiguration, At("vmpool"))),
        Line("DELETE", "vmpools/{id}", On(DeleteVmPool, At("vmpool"))),
        Line("POST", "vmpools/{id}/allocatevm", On(VmPoolBasicOperations, At("vmpool"))),
        Permissions("vmpools", "vmpool"),
    ];

    private static IEnumerable<GuardLine> Disks() =>
    [
        Seen("disks", Kinds.Disk),
        Line("POST", "disks", On(CreateDisk, DiskPlace)),
        Line("PUT", "disks/{id}", On(EditDiskProperties, At(Kinds.Disk))),
        Line("DELETE", "disks/{id}", On(DeleteDisk, At(Kinds.Disk))),
        Line("POST", "disks/{id}/move",
            On(ConfigureDiskStorage, At(Kinds.Disk)), On(CreateDisk, Body(Shapes.Action, Kinds.StorageDomain, "storage_domain"))),
        Line("POST", "disks/{id}/copy",
            On(ConfigureDiskStorage, At(Kinds.Disk)), On(CreateDisk, Body(Shapes.Action, Kinds.StorageDomain, "storage_domain"))),
        Line("POST", "disks/{id}/export",
            On(ConfigureDiskStorage, At(Kinds.Disk)), On(CreateDisk, Body(Shapes.Action, Kinds.StorageDomain, "storage_domain"))),
        Line("POST", "disks/{id}/sparsify", On(SparsifyDisk, At(Kinds.Disk))),
        Line("POST", "disks/{id}/reduce", On(ReduceDisk, At(Kinds.Disk))),
        Line("POST", "disks/{id}/convert", On(EditDiskProperties, At(Kinds.Disk))),
        Line(Write, "disks/{id}/disksnapshots/**", On(EditDiskProperties, At(Kinds.Disk))),
        Line("POST", "disks/{id}/refreshlun", On(EditDiskProperties, At(Kinds.Disk))),
        Permissions("disks", Kinds.Disk),

        // A transfer shows the ticket by which the image is read or written: it is for who may change the disk.
        Line("GET", "imagetransfers", new Need.Anybody()),
        Line("POST", "imagetransfers",
            On(EditDiskProperties, Body(Shapes.ImageTransfer, Kinds.Disk, "disk").Or(Body(Shapes.ImageTransfer, Kinds.Disk, "image")))),
        Line("GET", "imagetransfers/{id}/**", On(EditDiskProperties, TransfersDisk)),
        Line("POST", "imagetransfers/{id}/**", On(EditDiskProperties, TransfersDisk)),
    ];

    private static IEnumerable<GuardLine> Clusters() =>
    [
        Seen("datacenters", Kinds.DataCenter),
        Line("POST", "datacenters", On(CreateStoragePool, Places.System)),
        Line("PUT", "datacenters/{id}", On(EditStoragePoolConfiguration, At(Kinds.DataCenter))),
        Line("DELETE", "datacenters/{id}", On(DeleteStoragePool, At(Kinds.DataCenter))),
        Line("POST", "datacenters/{id}/setmaster", On(ManipulateStorageDomain, At(Kinds.DataCenter))),
        Line("POST", "datacenters/{id}/cleanfinishedtasks", On(EditStoragePoolConfiguration, At(Kinds.DataCenter))),
        Line("POST", "datacenters/{id}/clusters", On(CreateCluster, At(Kinds.DataCenter))),
        // Guarded as what they stand for: clusters/{id} and all below it (Aliases).
        Line(Write, "datacenters/{id}/clusters/{id}/**", new Need.Anybody()),
        Line(Write, "datacenters/{id}/networks/**", On(CreateStoragePoolNetwork, At(Kinds.DataCenter))),
        Line(Write, "datacenters/{id}/quotas/**", On(ConfigureQuota, At(Kinds.DataCenter))),
        Line(Write, "datacenters/{id}/qoss/**", On(ConfigureStoragePoolNetwork, At(Kinds.DataCenter))),
        Line(Write, "datacenters/{id}/iscsibonds/**", On(EditStoragePoolConfiguration, At(Kinds.DataCenter))),
        Line("GET", "datacenters/{id}/storagedomains/{id}/**", Sees(Kinds.DataCenter), Sees(Kinds.StorageDomain, 1)),
        Line("POST", "datacenters/{id}/storagedomains", On(ManipulateStorageDomain, Itself)),
        Line(Write, "datacenters/{id}/storagedomains/{id}/**", On(ManipulateStorageDomain, At(Kinds.StorageDomain, 1))),
        Permissions("datacenters", Kinds.DataCenter),

        Seen("clusters", Kinds.Cluster),
        Line("POST", "clusters", On(CreateCluster, Body(Shapes.Cluster, Kinds.DataCenter, "data_center"))),
        Line("PUT", "clusters/{id}", On(EditClusterConfiguration, At(Kinds.Cluster))),
        Line("DELETE", "clusters/{id}", On(DeleteCluster, At(Kinds.Cluster))),
        Line("POST", "clusters/{id}/upgrade", On(EditClusterConfiguration, At(Kinds.Cluster))),
        Line("POST", "clusters/{id}/resetemulatedmachine", On(EditClusterConfiguration, At(Kinds.Cluster))),
        Line("POST", "clusters/{id}/syncallnetworks", On(ConfigureHostNetwork, At(Kinds.Cluster))),
        Line(Write, "clusters/{id}/affinitygroups/**", On(ManipulateAffinityGroups, At(Kinds.Cluster))),
        Line(Write, "clusters/{id}/cpuprofiles/**", On(CreateCpuProfile, At(Kinds.Cluster))),
        Line(Write, "clusters/{id}/networks/**", On(AssignClusterNetwork, At(Kinds.Cluster))),
        Line(Write, "clusters/{id}/enabledfeatures/**", On(EditClusterConfiguration, At(Kinds.Cluster))),
        Line(Write, "clusters/{id}/glustervolumes/**", On(ManipulateGlusterVolume, At(Kinds.Cluster))),
        Line(Write, "clusters/{id}/glusterhooks/**", On(ManipulateGlusterHook, At(Kinds.Cluster))),
        Line("POST", "clusters/{id}/refreshglusterhealstatus", On(ManipulateGlusterVolume, At(Kinds.Cluster))),
        Permissions("clusters", Kinds.Cluster),

        Seen("hosts", Kinds.Host),
        Line("POST", "hosts", On(CreateHost, Body(Shapes.Host, Kinds.Cluster, "cluster").Or(DefaultCluster))),
        Line("PUT", "hosts/{id}",
            On(EditHostConfiguration, At(Kinds.Host)),
            On(EditHostConfiguration, Body(Shapes.Host, Kinds.Cluster, "cluster")).IfAny()),
        Line("DELETE", "hosts/{id}", On(DeleteHost, At(Kinds.Host))),
        Line("POST", "hosts/{id}/approve", On(EditHostConfiguration, At(Kinds.Host))),
        Line("POST", "hosts/{id}/install", On(EditHostConfiguration, At(Kinds.Host))),
        Line("POST", "hosts/{id}/upgrade", On(EditHostConfiguration, At(Kinds.Host))),
        Line("POST", "hosts/{id}/upgradecheck", On(EditHostConfiguration, At(Kinds.Host))),
        Line("POST", "hosts/{id}/enrollcertificate", On(EditHostConfiguration, At(Kinds.Host))),
        .. new[] { "activate", "deactivate", "fence", "refresh", "forceselectspm", "iscsidiscover", "discoveriscsi", "iscsilogin", "unregisteredstoragedomainsdiscover" }
            .Select(action => Line("POST", $"hosts/{{id}}/{action}", On(ManipulateHost, At(Kinds.Host)))),
        .. new[] { "commitnetconfig", "setupnetworks", "syncallnetworks", "copyhostnetworks" }
            .Select(action => Line("POST", $"hosts/{{id}}/{action}", On(ConfigureHostNetwork, At(Kinds.Host)))),
        Line("GET", "hosts/{id}/fenceagents/**", Sees(Kinds.Host), new Need.AllSight()),
        Line(Write, "hosts/{id}/fenceagents/**", On(EditHostConfiguration, At(Kinds.Host))),
        Line(Write, "hosts/{id}/devices/**", On(EditHostConfiguration, At(Kinds.Host))),
        Line(Write, "hosts/{id}/numanodes/**", On(EditHostConfiguration, At(Kinds.Host))),
        Line(Write, "hosts/{id}/nics/**", On(ConfigureHostNetwork, At(Kinds.Host))),
        Line(Write, "hosts/{id}/networkattachments/**", On(ConfigureHostNetwork, At(Kinds.Host))),
        Line(Write, "hosts/{id}/unmanagednetworks/**", On(ConfigureHostNetwork, At(Kinds.Host))),
        Line(Write, "hosts/{id}/storageconnectionextensions/**", On(EditHostConfiguration, At(Kinds.Host))),
        Line(Write, "hosts/{id}/affinitylabels/**", On(ManipulateAffinityGroups, At(Kinds.Host))),
        Line(Write, "hosts/{id}/tags/**", On(TagManagement, At(Kinds.Host))),
        Permissions("hosts", Kinds.Host),
    ];

    private static IEnumerable<GuardLine> Storage() =>
    [
        Seen("storagedomains", Kinds.StorageDomain),
        Line("POST", "storagedomains", On(CreateStorageDomain, Places.System)),
        Line("PUT", "storagedomains/{id}", On(EditStorageDomainConfiguration, At(Kinds.StorageDomain))),
        Line("DELETE", "storagedomains/{id}", On(DeleteStorageDomain, At(Kinds.StorageDomain))),
        .. new[] { "isattached", "updateovfstore", "refreshluns", "reduceluns" }
            .Select(action => Line("POST", $"storagedomains/{{id}}/{action}", On(ManipulateStorageDomain, At(Kinds.StorageDomain)))),
        Line(Write, "storagedomains/{id}/images/**", On(ManipulateStorageDomain, At(Kinds.StorageDomain))),
        Line(Write, "storagedomains/{id}/files/**", On(ManipulateStorageDomain, At(Kinds.StorageDomain))),
        Line("POST", "storagedomains/{id}/disks/**", On(CreateDisk, At(Kinds.StorageDomain))),
        Line("PUT", "storagedomains/{id}/disks/**", On(EditDiskProperties, At(Kinds.Disk, 1))),
        Line("DELETE", "storagedomains/{id}/disks/**", On(DeleteDisk, At(Kinds.Disk, 1))),
        Line(Write, "storagedomains/{id}/diskprofiles/**", On(CreateStorageDiskProfile, At(Kinds.StorageDomain))),
        Line(Write, "storagedomains/{id}/disksnapshots/**", On(EditStorageDomainConfiguration, At(Kinds.StorageDomain))),
        Line(Write, "storagedomains/{id}/vms/**", On(ImportExportVm, At(Kinds.StorageDomain))),
        Line(Write, "storagedomains/{id}/templates/**", On(ImportExportVm, At(Kinds.StorageDomain))),
        // Paths and servers.
        Line("GET", "storagedomains/{id}/storageconnections/**", Sees(Kinds.StorageDomain), new Need.AllSight()),
        Line(Write, "storagedomains/{id}/storageconnections/**", On(EditStorageDomainConfiguration, At(Kinds.StorageDomain))),
        Line("GET", "storageconnections/**", new Need.AllSight()),
        Line(Write, "storageconnections/**", On(CreateStorageDomain, Places.System)),
        Permissions("storagedomains", Kinds.StorageDomain),
    ];

    /// <summary>Of users, groups and roles each sees his own; their resources look to it.</summary>
    private static IEnumerable<GuardLine> People() =>
    [
        Line("GET", "users/**", new Need.Anybody()),
        Line(Write, "users/**", On(ManipulateUsers, Places.System)),
        Line(Write, "users/{id}/permissions/**", new Need.Anybody()),
        Line(Write, "users/{id}/sshpublickeys/**", new Need.Anybody()),
        Line(Write, "users/{id}/tags/**", On(TagManagement, Places.System)),
        Line("GET", "groups/**", new Need.Anybody()),
        Line(Write, "groups/**", On(ManipulateUsers, Places.System)),
        Line(Write, "groups/{id}/permissions/**", new Need.Anybody()),
        Line(Write, "groups/{id}/tags/**", On(TagManagement, Places.System)),
        Line("GET", "roles/**", new Need.Anybody()),
        Line(Write, "roles/**", On(ManipulateRoles, Places.System)),
        Line("GET", "permissions/**", new Need.AllSight()),
        Line("POST", "permissions", On(ManipulatePermissions, Places.System)),
        Line("DELETE", "permissions/{id}", new Need.Anybody()),
        Line("GET", "domains", new Need.Anybody()),
        Line("GET", "domains/{id}", new Need.Anybody()),
        Line("GET", "domains/{id}/**", On(AddUsersAndGroupsFromDirectory, Anywhere)),
    ];

    private static IEnumerable<GuardLine> Rest() =>
    [
        Line("GET", "", new Need.Anybody()),
        Line("POST", "reloadconfigurations", On(ConfigureEngine, Places.System)),
        // The resources show everybody his own.
        Line("GET", "events/**", new Need.Anybody()),
        Line("POST", "events", On(InjectExternalEvents, Places.System)),
        Line("POST", "events/undelete", On(AuditLogManagement, Places.System)),
        Line("DELETE", "events/**", On(AuditLogManagement, Places.System)),
        Line("GET", "jobs/**", new Need.Anybody()),
        Line(Write, "jobs/**", On(InjectExternalTasks, Places.System)),

        .. new[] { "networkfilters", "operatingsystems", "icons", "clusterlevels", "instancetypes", "openapi.json", "model", "model.json", "model.xml", "model.jar", "model.zip", "model.html" }
            .Select(path => Line("GET", $"{path}/**", new Need.Anybody())),
        .. new[]
            {
                "affinitylabels", "bookmarks", "tags", "externalhostproviders", "katelloerrata", "openstackimageproviders",
                "openstacknetworkproviders", "openstackvolumeproviders", "externaltemplateimports", "externalvmimports", "options",
                "schedulingpolicies", "schedulingpolicyunits",
            }
            .Select(path => Line("GET", $"{path}/**", new Need.AllSight())),
        Line(Write, "affinitylabels/**", On(ManipulateAffinityGroups, Places.System)),
        Line(Write, "bookmarks/**", On(BookmarkManagement, Places.System)),
        Line(Write, "tags/**", On(TagManagement, Places.System)),
        .. new[]
            {
                "externalhostproviders", "openstackimageproviders", "openstacknetworkproviders", "openstackvolumeproviders",
                "schedulingpolicies", "schedulingpolicyunits", "instancetypes", "operatingsystems", "icons", "clusterlevels", "options",
                "katelloerrata", "networkfilters",
            }
            .Select(path => Line(Write, $"{path}/**", On(ConfigureEngine, Places.System))),
        Line(Write, "externaltemplateimports/**", On(ImportExportVm, Places.System)),
        Line(Write, "externalvmimports/**", On(ImportExportVm, Places.System)),

        Seen("networks", "network"),
        Line("POST", "networks", On(CreateStoragePoolNetwork, Body(Shapes.Network, Kinds.DataCenter, "data_center").Or(Places.System))),
        Line("PUT", "networks/{id}", On(ConfigureStoragePoolNetwork, At("network"))),
        Line("DELETE", "networks/{id}", On(DeleteStoragePoolNetwork, At("network"))),
        Line(Write, "networks/{id}/vnicprofiles/**", On(CreateNetworkVnicProfile, At("network"))),
        Line(Write, "networks/{id}/networklabels/**", On(ConfigureStoragePoolNetwork, At("network"))),
        Permissions("networks", "network"),
        Seen("vnicprofiles", "vnicprofile"),
        Line("POST", "vnicprofiles", On(CreateNetworkVnicProfile, Body(Shapes.VnicProfile, "network", "network").Or(Places.System))),
        Line("PUT", "vnicprofiles/{id}", On(ConfigureNetworkVnicProfile, At("vnicprofile"))),
        Line("DELETE", "vnicprofiles/{id}", On(DeleteNetworkVnicProfile, At("vnicprofile"))),
        Permissions("vnicprofiles", "vnicprofile"),
        Seen("macpools", "macpool"),
        Line("POST", "macpools", On(CreateMacPool, Places.System)),
        Line("PUT", "macpools/{id}", On(EditMacPool, At("macpool"))),
        Line("DELETE", "macpools/{id}", On(DeleteMacPool, At("macpool"))),
        Permissions("macpools", "macpool"),
        Seen("cpuprofiles", "cpuprofile"),
        Line("POST", "cpuprofiles", On(CreateCpuProfile, Places.System)),
        Line("PUT", "cpuprofiles/{id}", On(UpdateCpuProfile, At("cpuprofile"))),
        Line("DELETE", "cpuprofiles/{id}", On(DeleteCpuProfile, At("cpuprofile"))),
        Permissions("cpuprofiles", "cpuprofile"),
        Seen("diskprofiles", "diskprofile"),
        Line("POST", "diskprofiles", On(CreateStorageDiskProfile, Places.System)),
        Line("PUT", "diskprofiles/{id}", On(ConfigureStorageDiskProfile, At("diskprofile"))),
        Line("DELETE", "diskprofiles/{id}", On(DeleteStorageDiskProfile, At("diskprofile"))),
        Permissions("diskprofiles", "diskprofile"),
    ];

    private const string CustomProperties = "custom_properties";

    /// <summary>Where it runs, and how close to the machine: not for its owner to say.</summary>
    private static string[] HostChosen => ["placement_policy", "cpu.cpu_tune", "cpu.mode"];

    private static Where VmsCluster => InDocument(Kinds.Vm, (_, document) =>
        [new ObjectRef(Kinds.Cluster, WireJson.Read<VmView>(document.Json).Config.Cluster.Value)]);

    private static Where DisksPlaces => async call =>
        await call.Find(Kinds.Vm, call.Id()) is { } document ? await PlacesOf(call, WireJson.Read<VmView>(document.Json)) : [];

    private static Where TemplatesDisks => async call =>
    {
        var source = await Body(Shapes.Template, Kinds.Vm, "vm")(call);
        return source is [var vm] && await call.Find(Kinds.Vm, vm.Id) is { } document
            ? await PlacesOf(call, WireJson.Read<VmView>(document.Json))
            : [];
    };

    private static Where DiskPlace => Body(Shapes.Disk, Kinds.StorageDomain, "storage_domains[]")
        .Or(Body(Shapes.Disk, Kinds.StorageDomain, "storage_domain"));

    /// <summary>Storage domains of the disks that a body would make.</summary>
    private static Where NewDisks(Shape shape, string prefix) =>
        Body(shape, Kinds.StorageDomain, $"{prefix}disk.storage_domains[]")
            .Or(Body(shape, Kinds.StorageDomain, $"{prefix}disk.storage_domain"));

    /// <summary>Disks that a body names by their ids.</summary>
    private static Where OldDisks(Shape shape, string prefix) => async call =>
    {
        try
        {
            return await Body(shape, Kinds.Disk, $"{prefix}disk")(call) ?? [];
        }
        catch (FaultException unknown) when (unknown.Status == 404)
        {
            // The id of a disk that is to be made.
            return [];
        }
    };

    private static Where TransfersDisk => InDocument(Kinds.ImageTransfer, (_, document) =>
        [new ObjectRef(Kinds.Disk, WireJson.Read<ImageTransferView>(document.Json).Disk.Value)]);

    private static Where DefaultCluster => async call =>
        await Refs.ByName(call, Kinds.Cluster, call.World.Options.DefaultCluster) is { } id ? [new ObjectRef(Kinds.Cluster, id)] : null;

    /// <summary>The storage domain that the body itself is.</summary>
    private static Where Itself => async call =>
        await Refs.Resolve(call, Kinds.StorageDomain, await call.ReadBody(Shapes.StorageDomain)) is { } id
            ? [new ObjectRef(Kinds.StorageDomain, id)]
            : null;

    private static Where Anywhere => _ => Some();

    private static async Task<IReadOnlyList<ObjectRef>> PlacesOf(ApiCall call, VmView vm)
    {
        var places = new HashSet<ObjectRef>();
        foreach (var attachment in vm.Config.Disks)
            if (await call.Find(Kinds.Disk, attachment.Disk.Value) is { } disk)
                places.Add(new ObjectRef(Kinds.StorageDomain, WireJson.Read<DiskView>(disk.Json).Config.StorageDomain.Value));
        return [.. places];
    }

    private static GuardLine Line(string methods, string pattern, params Need[] needs) => new(methods, pattern, needs);

    /// <summary>Whoever sees an object reads what is below it; the collection holds what he sees.</summary>
    private static GuardLine Seen(string collection, string kind) => new("GET", $"{collection}/**",
        [new Need.Sight(call => call.Ids.Count == 0 ? Some() : Some(new ObjectRef(kind, call.Id())))]);

    private static GuardLine Permissions(string collection, string kind) =>
        Line(Write, $"{collection}/{{id}}/permissions/**", On(ManipulatePermissions, At(kind)));

    private static Need.Sight Sees(string kind, int at = 0) => new(At(kind, at));

    private static Need.Right On(Permit permit, Where where) => new(permit, where);

    private static Dictionary<(string, string), GuardLine> Index(bool below)
    {
        var index = new Dictionary<(string, string), GuardLine>();
        foreach (var line in _lines.Where(line => line.Pattern.EndsWith("/**", StringComparison.Ordinal) == below))
            foreach (var method in line.Methods.Split(' '))
                index.Add((method, below ? line.Pattern[..^3] : line.Pattern), line);
        return index;
    }
}
