using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/nics. A NIC names a vNIC profile, a network of its data center, or a bridge of the hosts.</summary>
internal static class Nics
{
    private const int MaxBridgeLength = 15;

    public static void Map(Router router) => router
        .Get("vms/{id}/nics", async call =>
        {
            var vm = await Vms.Read(call);
            return Answer.Of(Shapes.Nic, [.. vm.Config.Nics.Take(call.Parameters.Max ?? int.MaxValue)
                .Select(nic => Show(vm.Id, nic))]);
        })
        .Post("vms/{id}/nics", Add)
        .Get("vms/{id}/nics/{id}", async call => Answer.Of(Show(new VmId(call.Id()), await Find(call))))
        .Put("vms/{id}/nics/{id}", Update)
        .Post("vms/{id}/nics/{id}/activate", call => Turn(call, plugged: true))
        .Post("vms/{id}/nics/{id}/deactivate", call => Turn(call, plugged: false))
        .Delete("vms/{id}/nics/{id}", async call =>
        {
            await Find(call);
            return await Acts.Send(call, Kinds.Vm, call.Id(), origin => new VmCommand.RemoveNic(origin, call.Id(1)));
        });

    /// <summary>NICs of a new VM: those of its template under new addresses, then those of the body.</summary>
    public static async Task<ImmutableArray<Nic>> Inline(
        ApiCall call, ClusterId cluster, ImmutableArray<Nic> template, IReadOnlyList<Element> bodies)
    {
        var nics = ImmutableArray.CreateBuilder<Nic>();
        foreach (var nic in template) nics.Add(nic with { Id = Guid.NewGuid(), Mac = await MacPools.Take(call) });
        foreach (var body in bodies) nics.Add(await Of(call, cluster, body, nics));
        return nics.ToImmutable();
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Nic);
        var vm = await Vms.Read(call);
        var nic = await Of(call, vm.Config.Cluster, body, vm.Config.Nics);
        var origin = call.NewOrigin();
        await HotPlug.Ask(call, vm.Id.Value, origin, new VmCommand.AddNic(origin, nic));
        return Answer.Created(Show(vm.Id, nic));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Nic);
        var vm = await Vms.Read(call);
        var present = await Find(call);
        var nic = await Plugged(call, vm.Config.Cluster, body, present with
        {
            Name = body.Text("name") is { Length: > 0 } name ? Names.Checked(name, "Nic") : present.Name,
            Interface = body.Text("interface") ?? present.Interface,
            Mac = await GivenMac(call, body) ?? present.Mac,
            Linked = body.Flag("linked") ?? present.Linked,
            Plugged = body.Flag("plugged") ?? present.Plugged,
            Filter = NetworkFilters.Of(body) ?? present.Filter,
            Qos = Hardware.Nic(body, present.Qos),
        });
        if (HardwareRules.Wrong(nic) is { } why) throw FaultException.Bad(why);
        var origin = call.NewOrigin();
        if (nic != present) await HotPlug.Ask(call, call.Id(), origin, new VmCommand.UpdateNic(origin, nic));
        return Answer.Of(Show(new VmId(call.Id()), nic));
    }

    private static async Task<Answer> Turn(ApiCall call, bool plugged)
    {
        await call.ReadBody(Shapes.Action);
        var present = await Find(call);
        var origin = call.NewOrigin();
        if (present.Plugged != plugged)
            await HotPlug.Ask(call, call.Id(), origin, new VmCommand.UpdateNic(origin, present with { Plugged = plugged }));
        return Acts.Accepted(call, origin);
    }

    private static async Task<Nic> Of(ApiCall call, ClusterId cluster, Element body, IReadOnlyList<Nic> others)
    {
        var name = Names.Required(body, "Nic");
        if (others.Any(other => other.Name == name))
            throw FaultException.Conflict($"The VM has a network interface {name} already; choose another name");
        var nic = await Plugged(call, cluster, body, new Nic(
            Names.NewId(body), name, body.Text("interface") ?? "virtio", await GivenMac(call, body) ?? "",
            call.World.Options.DefaultBridge, body.Flag("linked") ?? true,
            body.Flag("plugged") ?? true)
        {
            Filter = NetworkFilters.Of(body) ?? "",
            Qos = Hardware.Nic(body, null),
        });
        if (nic.Mac.Length == 0) nic = nic with { Mac = await MacPools.Take(call) };
        return HardwareRules.Wrong(nic) is { } why ? throw FaultException.Bad(why) : nic;
    }

    /// <summary>On the bridge that the body names, by a vNIC profile, a network, or as it is called on the hosts.</summary>
    private static async Task<Nic> Plugged(ApiCall call, ClusterId cluster, Element body, Nic nic)
    {
        if (await Networks.Of(call, cluster, body) is not { } way)
            return body.One("network")?.Text("name") is { Length: > 0 } name ? nic with { Bridge = Bridge(name), Profile = null } : nic;
        return nic with
        {
            Bridge = way.Bridge,
            Profile = Refs.IdOf(way.Profile),
            Filter = NetworkFilters.Of(body) ?? way.Profile.One("network_filter")?.Text("name") ?? nic.Filter,
        };
    }

    /// <exception cref="FaultException">400: no bridge can have this name.</exception>
    public static string Bridge(string name) =>
        name.Length <= MaxBridgeLength && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')
            ? name
            : throw FaultException.Bad($"Nic.network.name is '{name}'; the name of a bridge has at most {MaxBridgeLength} "
                + "letters, digits, '-', '_' and '.'");

    private static async Task<string?> GivenMac(ApiCall call, Element body)
    {
        if (body.One("mac")?.Text("address") is not { Length: > 0 } given) return null;
        var mac = given.ToLowerInvariant();
        if (MacRange.Number(mac) is not { } number)
            throw FaultException.Bad($"Nic.mac.address is '{given}', which is not six octets such as 56:6f:00:00:00:01");
        if (((number >> 40) & 1) == 1)
            throw FaultException.Bad($"Nic.mac.address is '{given}', a multicast address; choose one with an even first octet");
        await call.World.Catalogue.KeepMac(mac, call.Cancel);
        return mac;
    }

    private static async Task<Nic> Find(ApiCall call)
    {
        var vm = await Vms.Read(call);
        return vm.Config.Nics.FirstOrDefault(nic => nic.Id == call.Id(1))
            ?? throw FaultTable.Refusal(Fault.VmNicUnknown, null);
    }

    private static Element Show(VmId vm, Nic nic) => Define(Shapes.Nic.New(nic.Id, $"{Hrefs.Vm(vm.Value)}/nics/{nic.Id}"), nic)
        .WithLink("reporteddevices", $"{Hrefs.Vm(vm.Value)}/nics/{nic.Id}/reporteddevices")
        .WithLink("statistics", $"{Hrefs.Vm(vm.Value)}/nics/{nic.Id}/statistics")
        .WithAction("activate", $"{Hrefs.Vm(vm.Value)}/nics/{nic.Id}/activate")
        .WithAction("deactivate", $"{Hrefs.Vm(vm.Value)}/nics/{nic.Id}/deactivate")
        .With("vm", Refs.To(vm));

    /// <summary>What a NIC is, wherever it is found.</summary>
    public static Element Define(Element element, Nic nic) => element
        .With("name", nic.Name)
        .With("interface", nic.Interface)
        .With("linked", nic.Linked)
        .With("plugged", nic.Plugged)
        .With("mac", Shapes.Mac.New().With("address", nic.Mac))
        .With("network", Shapes.Network.New().With("name", nic.Bridge))
        .With("vnic_profile", nic.Profile is { } profile ? Networks.ProfileRef(profile) : null)
        .With("network_filter", NetworkFilters.Of(nic.Filter))
        .With("qos", Hardware.Show(nic.Qos));
}
