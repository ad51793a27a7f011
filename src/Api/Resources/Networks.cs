using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>
/// Logical networks of data centers and the profiles by which NICs are plugged into them. A network is carried by the bridge
/// of its name on each host, which the operator makes there; ovirtmgmt is there from the first.
/// </summary>
internal static class Networks
{
    private const int MaxBridgeLength = 15;
    private static readonly Guid _defaultCenter = new("58ca6044-0393-02eb-0148-0000000001b8");

    public static readonly Configured Kind = new()
    {
        Kind = "network",
        Path = "networks",
        Title = "Network",
        Shape = Shapes.Network,
        Owner = "data_center",
        OwnerKind = Kinds.DataCenter,
        Places = CataloguePlaces.OfKind(Kinds.DataCenter),
        BuiltIn = place => [Management(place.Id)],
        Check = Check,
        Added = async (call, catalogue, network) =>
        {
            if (network.Flag("profile_required") == false) return;
            var profile = Shapes.VnicProfile.New(Guid.NewGuid())
                .With("name", network.Text("name"))
                .With("network", Shapes.Network.New(network.Id!, null));
            await CheckProfile(call, catalogue, profile);
            await catalogue.Put(Profiles!.Item(profile), call.Cancel);
        },
        Removing = async (call, catalogue, network) =>
        {
            foreach (var item in await catalogue.List("vnicprofile", Guid.Parse(network.Id!), call.Cancel))
            {
                await MustBeUnused(call, item.Id, item.Name);
                await catalogue.Remove("vnicprofile", item.Id, call.Cancel);
            }

            foreach (var item in await catalogue.List("clusternetwork", null, call.Cancel))
                if (item.Name == network.Id) await catalogue.Remove("clusternetwork", item.Id, call.Cancel);
        },
        Links = network => network.WithLink("vnicprofiles", $"{Hrefs.Base}/networks/{network.Id}/vnicprofiles"),
    };

    public static readonly Configured Profiles = new()
    {
        Kind = "vnicprofile",
        Path = "vnicprofiles",
        Title = "VnicProfile",
        Shape = Shapes.VnicProfile,
        Owner = "network",
        Places = async call => [.. (await Kind.All(call, call.World.Catalogue, await Kind.Places(call)))
            .Select(network => new Place(Guid.Parse(network.Id!), network.Text("name")!))],
        BuiltIn = place => place.Name.Length > 0 && IsManagement(place.Id) ? [ManagementProfile(place.Id)] : [],
        Check = CheckProfile,
        Removing = (call, _, profile) => MustBeUnused(call, Guid.Parse(profile.Id!), profile.Text("name")!),
    };

    public static void Map(Router router)
    {
        Kind.Map(router);
        Kind.MapBelow(router, "datacenters/{id}/networks", isChangedHere: true);
        Profiles.Map(router);
        Profiles.MapBelow(router, "networks/{id}/vnicprofiles");
    }

    /// <summary>The profile by which a NIC of this cluster wants to be plugged in, and the bridge of its network; null when the
    /// body names a bridge of the hosts or nothing.</summary>
    public static async Task<(string Bridge, Element Profile)?> Of(ApiCall call, ClusterId cluster, Element nic)
    {
        var catalogue = call.World.Catalogue;
        if (!nic.Has("vnic_profile") && !nic.Has("network")) return null;
        var center = (await call.Get<ClusterView>(Kinds.Cluster, cluster.Value)).Config.DataCenter.Value;
        var networks = await Kind.All(call, catalogue, [new Place(center, "")]);
        if (nic.One("vnic_profile") is { } wanted)
        {
            if (wanted.Id is null && wanted.Text("name") is null) throw FaultException.NotYet("A NIC without a network");
            var profiles = await Profiles.All(call, catalogue, PlacesOf(networks));
            var found = Refs.IdOf(wanted) is { } id
                ? profiles.FirstOrDefault(profile => profile.Id == id.ToString())
                : profiles.FirstOrDefault(profile => profile.Text("name") == wanted.Text("name"));
            if (found is null)
                throw new FaultException(404, FaultException.OperationFailed,
                    $"Entity not found: the data center has no vnic_profile {wanted.Id ?? wanted.Text("name")}");
            return (BridgeOf(networks.First(network => network.Id == found.One("network")!.Id)), found);
        }

        var named = nic.One("network")!;
        var chosen = Refs.IdOf(named) is { } networkId
            ? networks.FirstOrDefault(network => network.Id == networkId.ToString())
                ?? throw new FaultException(404, FaultException.OperationFailed, $"Entity not found: the data center has no network {networkId}")
            : networks.FirstOrDefault(network => network.Text("name") == named.Text("name"));
        if (chosen is null) return null;
        var first = (await Profiles.All(call, catalogue, PlacesOf([chosen])))
            .OrderByDescending(profile => profile.Text("name") == chosen.Text("name")).FirstOrDefault();
        return first is null
            ? throw FaultException.Conflict($"The network {chosen.Text("name")} has no vNIC profile; make one, and name it in vnic_profile")
            : (BridgeOf(chosen), first);
    }

    public static Element ProfileRef(Guid id) => Shapes.VnicProfile.New(id, $"{Hrefs.Base}/vnicprofiles/{id}");

    private static IReadOnlyList<Place> PlacesOf(IReadOnlyList<Element> networks) =>
        [.. networks.Select(network => new Place(Guid.Parse(network.Id!), network.Text("name")!))];

    public static string BridgeOf(Element network) => network.Text("vdsm_name")!;

    /// <summary>As oVirt names the bridge: by the network's name, or where that is none for a bridge, by its id.</summary>
    private static string BridgeNamed(Element network)
    {
        var name = network.Text("name")!;
        return name.Length <= MaxBridgeLength && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')
            ? name
            : "on" + network.Id!.Replace("-", "", StringComparison.Ordinal)[..13];
    }

    public static Guid ManagementOf(Guid center) => center == _defaultCenter
        ? new Guid("00000000-0000-0000-0000-000000000009")
        : Marked(NamedIds.Of($"management network of {center}"));

    /// <summary>Ids of management networks can be told from others.</summary>
    private static Guid Marked(Guid id) => new($"{id.ToString()[..24]}000000000009");

    public static bool IsManagement(Guid network) => network.ToString().EndsWith("-000000000009", StringComparison.Ordinal);

    private static Element Management(Guid center) => Shapes.Network.New(ManagementOf(center), null)
        .With("name", "ovirtmgmt").With("description", "Management Network").With("comment", "")
        .With("mtu", 0).With("stp", false).With("port_isolation", false).With("profile_required", true)
        .With("vdsm_name", "ovirtmgmt").With("status", "operational").With("usages", (IEnumerable<string>)["vm"])
        .With("data_center", Shapes.DataCenter.New(center));

    private static Element ManagementProfile(Guid network) => Shapes.VnicProfile
        .New(network == ManagementOf(_defaultCenter) ? new Guid("0000000a-000a-000a-000a-000000000398") : NamedIds.Of($"profile of {network}"), null)
        .With("name", "ovirtmgmt").With("migratable", true).With("port_mirroring", false)
        .With("pass_through", Shapes.PassThrough.New().With("mode", "disabled"))
        .With("network", Shapes.Network.New(network));

    private static Task Check(ApiCall call, ICatalogueReading catalogue, Element network)
    {
        if (network.Has("vlan") && network.One("vlan") is { } vlan && (!int.TryParse(vlan.Id, out var tag) || tag is < 0 or > 4094))
            throw FaultException.Bad($"Network.vlan.id is '{vlan.Id}'; it must be from 0 to 4094");
        if (network.Integer("mtu") is { } mtu and not 0 and (< 68 or > 65_520))
            throw FaultException.Bad($"Network.mtu is {mtu}; it must be 0 (the host's own) or from 68 to 65520");
        if (network.Flag("port_isolation") == true) throw FaultException.NotYet("Port isolation", "Name a network_filter in the vNIC profile.");
        if (network.Words("usages") is { } usages && usages.Any(usage => usage is not ("vm" or "management" or "display" or "migration" or "default_route")))
            throw FaultException.NotYet("A network for Gluster");
        network.With("comment", network.Text("comment") ?? "").With("description", network.Text("description") ?? "")
            .With("mtu", network.Integer("mtu") ?? 0).With("stp", network.Flag("stp") ?? false).With("port_isolation", false)
            .With("profile_required", network.Flag("profile_required") ?? true).With("status", "operational")
            .With("usages", (IEnumerable<string>)(network.Words("usages") ?? ["vm"]))
            .With("vdsm_name", network.Text("vdsm_name") is { Length: > 0 } given ? Nics.Bridge(given) : BridgeNamed(network));
        return Task.CompletedTask;
    }

    private static Task CheckProfile(ApiCall call, ICatalogueReading catalogue, Element profile)
    {
        if (profile.Flag("port_mirroring") == true) throw FaultException.NotYet("Port mirroring", "Mirror the port of the bridge on the host.");
        if (profile.One("pass_through")?.Text("mode") == "enabled") throw FaultException.NotYet("A NIC that is passed through", "Use virtio.");
        if (profile.Has("qos")) throw FaultException.NotYet("The qos of a vNIC profile", "Give each NIC its own qos.");
        if (NetworkFilters.Of(profile) is { } filter) profile.With("network_filter", NetworkFilters.Of(filter));
        profile.With("comment", profile.Text("comment") ?? "").With("description", profile.Text("description") ?? "")
            .With("migratable", true).With("port_mirroring", false)
            .With("pass_through", Shapes.PassThrough.New().With("mode", "disabled"));
        return Task.CompletedTask;
    }

    private static async Task MustBeUnused(ApiCall call, Guid profile, string name)
    {
        var vms = await call.List<VmView>(new ReadQuery(Kinds.Vm));
        if (vms.FirstOrDefault(vm => vm.Config.Nics.Any(nic => nic.Profile == profile)) is { } user)
            throw FaultException.Conflict($"The vNIC profile {name} is in use by the VM {user.Config.Name}; give its NICs another one first");
        var templates = await call.List<TemplateView>(new ReadQuery(Kinds.Template));
        if (templates.FirstOrDefault(template => template.Config.Nics.Any(nic => nic.Profile == profile)) is { } other)
            throw FaultException.Conflict($"The vNIC profile {name} is in use by the template {other.Config.Name}; remove that first");
    }
}
