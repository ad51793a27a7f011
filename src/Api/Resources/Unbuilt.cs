using Orchestrator.Api.Description;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>
/// Answers of oVirt's services that this engine does not carry: an empty list where that is the truth, else a fault that says
/// what will do instead; below an object that does not exist 404 in any case. Mapped last.
/// </summary>
public static class Unbuilt
{
    private const string _hostNetworks = "Bridges are made on the host itself; a network names the bridge that carries it.";
    private const string _noBlock = "Storage domains are of files (NFS, POSIX, local, GlusterFS); mount a LUN on one host and export it.";
    private const string _noGluster = "Manage GlusterFS by its own command line, and use its volumes as storage domains.";
    private const string _noProvider = "There are no external providers here.";

    /// <summary>Collections of what this engine cannot make, so that there is none.</summary>
    private static readonly string[] _empty =
    [
        "affinitylabels", "externalhostproviders", "groups", "katelloerrata", "openstackimageproviders", "openstacknetworkproviders",
        "openstackvolumeproviders", "vmpools",
        "clusters/{id}/affinitygroups", "clusters/{id}/enabledfeatures", "clusters/{id}/externalnetworkproviders",
        "clusters/{id}/glusterhooks", "clusters/{id}/glustervolumes", "clusterlevels/{word}/clusterfeatures", "datacenters/{id}/iscsibonds",
        "hosts/{id}/affinitylabels", "hosts/{id}/externalnetworkproviderconfigurations", "hosts/{id}/katelloerrata",
        "hosts/{id}/storageconnectionextensions", "instancetypes/{id}/nics", "instancetypes/{id}/watchdogs",
        "instancetypes/{id}/graphicsconsoles", "storagedomains/{id}/images",
        "templates/{id}/mediateddevices", "templates/{id}/watchdogs", "templates/{id}/cdroms",
        "vms/{id}/affinitylabels", "vms/{id}/backups", "vms/{id}/checkpoints", "vms/{id}/hostdevices", "vms/{id}/katelloerrata",
        "vms/{id}/mediateddevices", "vms/{id}/nics/{id}/networkfilterparameters",
    ];

    /// <summary>What to do instead; the longest path that fits speaks.</summary>
    private static readonly (string Path, string Sentence)[] _instead =
    [
        ("*/permissions", "A user is either an administrator or may do nothing."),
        ("*/statistics", "Statistics are of VMs, their NICs, hosts and disks."),
        ("*/katelloerrata", "Errata are listed by the package manager on the host."),
        ("affinitylabels", "Name hosts in the VM's placement_policy."),
        ("clusters/{id}/affinitygroups", "Name hosts in the VM's placement_policy."),
        ("clusters/{id}/externalnetworkproviders", _noProvider),
        ("clusters/{id}/glusterhooks", _noGluster),
        ("clusters/{id}/glustervolumes", _noGluster),
        ("clusters/{id}/refreshglusterhealstatus", _noGluster),
        ("clusters/{id}/resetemulatedmachine", "The machine type of a cluster is its hosts' newest; a VM can have custom_emulated_machine."),
        ("clusters/{id}/syncallnetworks", _hostNetworks),
        ("clusters/{id}/upgrade", "Upgrade one host after the other: deactivate it, POST hosts/{id}/upgrade, activate it."),
        ("clusters", "Ask at clusters/{id}, and make one by POST clusters with a data_center."),
        ("datacenters", "Ask at the object's own place."),
        ("networks", "Labels stand for interfaces of hosts, which are configured on the host itself."),
        ("clusters/{id}/enabledfeatures", "A cluster has what its hosts can do."),
        ("datacenters/{id}/quotas", "Quotas are written down and not enforced; there is no limit but that of the hosts and storage domains."),
        ("schedulingpolicyunits", "Each cluster is scheduled by the engine's own policy."),
        ("hosts/{id}/storageconnectionextensions", _noBlock),
        ("hosts/{id}/affinitylabels", "Name hosts in the VM's placement_policy."),
        ("datacenters/{id}/cleanfinishedtasks", "Finished jobs are dropped by themselves after ten minutes."),
        ("datacenters/{id}/iscsibonds", "Give the hosts several paths by multipath."),
        ("datacenters/{id}/setmaster", "No storage domain is the master here: each keeps its own metadata."),
        ("datacenters/{id}/storagedomains/{id}/disks", "Ask at storagedomains/{id}/disks, and for one disk at disks/{id}."),
        ("disks/{id}/convert", "Copy the guest's data to a new disk of the wanted format."),
        ("disks/{id}/disksnapshots", "Snapshots are at vms/{id}/snapshots, and their disks below them."),
        ("disks/{id}/export", "Download the disk by an image transfer."),
        ("disks/{id}/reduce", "Storage domains of files need no reducing: an image holds what was written."),
        ("disks/{id}/refreshlun", "There are no disks on LUNs yet."),
        ("disks/{id}/sparsify", "Trim inside the guest (fstrim) on a disk attachment with pass_discard."),
        ("domains", "Users are those of the profile 'internal', made by 'orchestrator user add'."),
        ("events", "Events are written by the engine alone."),
        ("externalhostproviders", "Add hosts by POST hosts."),
        ("externaltemplateimports", "Upload the disk by an image transfer and make a template of a VM with it."),
        ("externalvmimports", "Upload the disks by image transfers and attach them to a new VM."),
        ("groups", "Give the users themselves what they need."),
        ("hosts/{id}/commitnetconfig", _hostNetworks),
        ("hosts/{id}/copyhostnetworks", _hostNetworks),
        ("hosts/{id}/cpuunits", "The host's CPUs are counted in the host itself."),
        ("hosts/{id}/devices", "The agent does not report devices; use lspci on the host."),
        ("hosts/{id}/discoveriscsi", _noBlock),
        ("hosts/{id}/forceselectspm", "No host is the SPM here: every host may do the work of any storage domain that it reaches."),
        ("hosts/{id}/iscsidiscover", _noBlock),
        ("hosts/{id}/iscsilogin", _noBlock),
        ("hosts/{id}/networkattachments", _hostNetworks),
        ("hosts/{id}/nics", "The agent does not report network interfaces; use ip link on the host."),
        ("hosts/{id}/numanodes", "The agent does not report NUMA nodes; use numactl --hardware on the host."),
        ("hosts/{id}/refresh", "Hosts report by themselves every few seconds."),
        ("hosts/{id}/setupnetworks", _hostNetworks),
        ("hosts/{id}/storage", "The agent does not report block devices; storage domains are of files (NFS, POSIX, local, GlusterFS)."),
        ("hosts/{id}/syncallnetworks", _hostNetworks),
        ("hosts/{id}/unmanagednetworks", _hostNetworks),
        ("hosts/{id}/unregisteredstoragedomainsdiscover", "Import a storage domain of files by POST storagedomains with import."),
        ("icons", "There is one picture for every VM."),
        ("imagetransfers", "See the guide under image transfers."),
        ("instancetypes", "Set memory and CPUs in the VM itself."),
        ("jobs", "Jobs are written by the engine alone."),
        ("jobs/{id}/clear", "Finished jobs are dropped by themselves after ten minutes."),
        ("openstackimageproviders", _noProvider),
        ("openstacknetworkproviders", _noProvider),
        ("openstackvolumeproviders", _noProvider),
        ("permissions", "A user is either an administrator or may do nothing."),
        ("reloadconfigurations", "Restart the nodes one after the other; no request is lost by that."),
        ("roles", "A user is either an administrator or may do nothing."),
        ("schedulingpolicies", "Each cluster is scheduled by the engine's own policy."),
        ("storageconnections", "Make a storage domain by POST storagedomains: its connection comes with it."),
        ("storagedomains/{id}/disks", "Ask at disks/{id}."),
        ("storagedomains/{id}/disksnapshots", "Snapshots are at vms/{id}/snapshots, and their disks below them."),
        ("storagedomains/{id}/files", "ISO images are disks with the content_type iso: GET disks."),
        ("storagedomains/{id}/images", _noProvider),
        ("storagedomains/{id}/isattached", "GET datacenters/{id}/storagedomains says which are attached."),
        ("storagedomains/{id}/reduceluns", _noBlock),
        ("storagedomains/{id}/refreshluns", _noBlock),
        ("storagedomains/{id}/storageconnections", "A storage domain has one connection, for life."),
        ("storagedomains/{id}/templates", "GET templates shows them all; there is no import of unregistered ones."),
        ("storagedomains/{id}/updateovfstore", "Definitions are kept in the engine's database: back that up."),
        ("storagedomains/{id}/vms", "GET vms shows them all; there is no import of unregistered ones."),
        ("templates/{id}/export", "Download its disks by image transfers."),
        ("templates", "Change the VM and make a new template of it."),
        ("users", "Users are made and removed by 'orchestrator user'."),
        ("vmpools", "Make VMs of one template."),
        ("vms/{id}/affinitylabels", "Name hosts in the VM's placement_policy."),
        ("vms/{id}/autopincpuandnumanodes", "Give the VM cpu.cpu_tune and numanodes of its own."),
        ("vms/{id}/backups", "Take a snapshot and download its disks by image transfers."),
        ("vms/{id}/cdroms", "A VM has one CD-ROM drive: change its disc by PUT vms/{id}/cdroms/{id}."),
        ("vms/{id}/checkpoints", "Take a snapshot and download its disks by image transfers."),
        ("vms/{id}/detach", "There are no pools that a VM could be taken out of."),
        ("vms/{id}/export", "Download its disks by image transfers, and keep the answer of GET vms/{id}."),
        ("vms/{id}/hostdevices", "Devices of hosts cannot be given to guests."),
        ("vms/{id}/logon", "Log on in the console."),
        ("vms/{id}/maintenance", "The engine does not run in a VM of its own: it is several nodes."),
        ("vms/{id}/mediateddevices", "Devices of hosts cannot be given to guests."),
        ("vms/{id}/nics/{id}/networkfilterparameters", "Define on the hosts a filter that needs no parameters, and name it in network_filter."),
        ("vms/{id}/reordermacaddresses", "Set mac.address of each NIC."),
        ("vms/{id}/screenshot", "Open the console."),
    ];

    public static void Map(Router router)
    {
        foreach (var (service, method) in ServiceTree.Methods)
            router.Otherwise(method.Verb, method.Path, RouteKind.StandIn, Answering(router, service, method));
    }

    /// <summary>The path of the collection when the service is, or is of one of, a collection that has to be empty.</summary>
    public static string? EmptyCollection(Service service)
    {
        var path = Canonical(service.IsOfOne ? service.Path[..service.Path.LastIndexOf('/')] : service.Path);
        return Array.Exists(_empty, empty => empty == path) ? path : null;
    }

    public static string InsteadOf(string path)
    {
        var plain = Canonical(ServiceTree.Plain(path));
        return _instead.Where(row => Fits(row.Path, plain)).OrderBy(row => row.Path.Length).Select(row => row.Sentence)
            .LastOrDefault("");
    }

    /// <summary>Clusters are the same below their data center.</summary>
    private static string Canonical(string path) =>
        path.StartsWith("datacenters/{id}/clusters", StringComparison.Ordinal) ? path["datacenters/{id}/".Length..] : path;

    private static bool Fits(string row, string path) => row[0] == '*'
        ? path.EndsWith(row[1..], StringComparison.Ordinal) || path.Contains(row[1..] + "/", StringComparison.Ordinal)
        : path.StartsWith(row, StringComparison.Ordinal) && (path.Length == row.Length || path[row.Length] == '/');

    private static Resource Answering(Router router, Service service, Method method)
    {
        var sentence = InsteadOf(method.Path);
        var what = $"{method.Verb} {(method.Path.Length == 0 ? "/" : method.Path)}";
        var notYet = sentence.Length > 0 ? FaultException.NotYet(what, sentence).Detail : FaultException.NotYet(what).Detail;
        var shape = Types.Find(service.Type) ?? Shapes.Reference(service.Type, service.Types);
        var isEmpty = EmptyCollection(service) is not null;
        return async call =>
        {
            if (service.Owner is { } owner) await MustBe(router, call, owner);
            if (isEmpty && method.Name == "LIST") return Answer.Of(shape, []);
            if (isEmpty && service.IsOfOne)
                throw FaultException.Unknown(service.Type.Replace('_', ' '), call.Ids[^1]);
            throw FaultException.Bad(notYet);
        };
    }

    /// <exception cref="FaultException">The object, of which the asked-for one would be part, does not exist.</exception>
    private static async Task MustBe(Router router, ApiCall call, string owner)
    {
        var ids = call.Ids.Take(owner.Count(letter => letter == '{')).ToList();
        var at = 0;
        var path = string.Join('/', owner.Split('/').Select(segment => segment[0] == '{' ? ids[at++] : segment));
        var (read, found) = router.Find("GET", path);
        await read(call.Anew(found));
    }
}
