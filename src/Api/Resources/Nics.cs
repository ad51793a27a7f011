using System.Collections.Immutable;
using System.Security.Cryptography;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/nics. Until there are logical networks, a NIC's network is the name of a bridge on the
/// hosts.</summary>
internal static class Nics
{
    private const int MacAttempts = 16;
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
        .Delete("vms/{id}/nics/{id}", call => Acts.Send(call, Kinds.Vm, call.Id(),
            origin => new VmCommand.RemoveNic(origin, call.Id(1))));

    /// <summary>NICs of a new VM: those of its template under new addresses, then those of the body.</summary>
    public static async Task<ImmutableArray<Nic>> Inline(
        ApiCall call, ImmutableArray<Nic> template, IReadOnlyList<Element> bodies)
    {
        var nics = ImmutableArray.CreateBuilder<Nic>();
        foreach (var nic in template) nics.Add(nic with { Id = Guid.NewGuid(), Mac = await NewMac(call, nics) });
        foreach (var body in bodies) nics.Add(await Of(call, body, nics));
        return nics.ToImmutable();
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Nic);
        var vm = await Vms.Read(call);
        var nic = await Of(call, body, vm.Config.Nics);
        var origin = call.NewOrigin();
        await HotPlug.Ask(call, vm.Id.Value, origin, new VmCommand.AddNic(origin, nic));
        return Answer.Created(Show(vm.Id, nic));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Nic);
        var present = await Find(call);
        var nic = present with
        {
            Name = body.Text("name") is { Length: > 0 } name ? Names.Checked(name, "Nic") : present.Name,
            Interface = body.Text("interface") ?? present.Interface,
            Mac = GivenMac(body) ?? present.Mac,
            Bridge = BridgeOf(body) ?? present.Bridge,
            Linked = body.Flag("linked") ?? present.Linked,
            Plugged = body.Flag("plugged") ?? present.Plugged,
            Filter = NetworkFilters.Of(body) ?? present.Filter,
            Qos = Hardware.Nic(body, present.Qos),
        };
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

    private static async Task<Nic> Of(ApiCall call, Element body, IReadOnlyList<Nic> others)
    {
        var name = Names.Required(body, "Nic");
        if (others.Any(other => other.Name == name))
            throw FaultException.Conflict($"The VM has a network interface {name} already; choose another name");
        var nic = new Nic(
            Names.NewId(body), name, body.Text("interface") ?? "virtio", GivenMac(body) ?? await NewMac(call, others),
            BridgeOf(body) ?? call.World.Options.DefaultBridge, body.Flag("linked") ?? true,
            body.Flag("plugged") ?? true)
        {
            Filter = NetworkFilters.Of(body) ?? "",
            Qos = Hardware.Nic(body, null),
        };
        return HardwareRules.Wrong(nic) is { } why ? throw FaultException.Bad(why) : nic;
    }

    private static string? BridgeOf(Element body)
    {
        if (body.Has("vnic_profile"))
            throw FaultException.NotYet("A vNIC profile (until then name the hosts' bridge in network.name)");
        if (body.One("network")?.Text("name") is not { Length: > 0 } bridge) return null;
        return bridge.Length <= MaxBridgeLength
            && bridge.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')
            ? bridge
            : throw FaultException.Bad($"Nic.network.name is '{bridge}'; the name of a bridge has at most {MaxBridgeLength} "
                + "letters, digits, '-', '_' and '.'");
    }

    private static string? GivenMac(Element body)
    {
        if (body.One("mac")?.Text("address") is not { Length: > 0 } given) return null;
        var mac = given.ToLowerInvariant();
        var octets = mac.Split(':');
        var valid = octets.Length == 6 && octets.All(octet => octet.Length == 2 && octet.All(char.IsAsciiHexDigit));
        if (!valid)
            throw FaultException.Bad($"Nic.mac.address is '{given}', which is not six octets such as 56:6f:00:00:00:01");
        return (Convert.ToInt32(octets[0], 16) & 1) == 0
            ? mac
            : throw FaultException.Bad($"Nic.mac.address is '{given}', a multicast address; choose one with an even first octet");
    }

    /// <summary>
    /// An address of oVirt's range 56:6f:…, by chance out of four thousand million. The read model is asked whether a
    /// VM
    /// has it as its first NIC; for further NICs and for two requests at the same moment chance has to do.
    /// </summary>
    private static async Task<string> NewMac(ApiCall call, IEnumerable<Nic> others)
    {
        var taken = others.Select(nic => nic.Mac).ToHashSet(StringComparer.Ordinal);
        for (var attempt = 0; attempt < MacAttempts; attempt++)
        {
            var random = RandomNumberGenerator.GetBytes(4);
            var mac = $"56:6f:{random[0]:x2}:{random[1]:x2}:{random[2]:x2}:{random[3]:x2}";
            if (taken.Add(mac) && await IsFree(call, mac)) return mac;
        }

        throw new FaultException(500, FaultException.OperationFailed,
            "No free MAC address was found; give one in mac.address");
    }

    private static async Task<bool> IsFree(ApiCall call, string mac) => await call.World.Read.Count(
        new ReadQuery(Kinds.Vm, new Dictionary<string, string> { ["config.nics.0.mac"] = mac }), call.Cancel) == 0;

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
        .With("network_filter", NetworkFilters.Of(nic.Filter))
        .With("qos", Hardware.Show(nic.Qos));
}
