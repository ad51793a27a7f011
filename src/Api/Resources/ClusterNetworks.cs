using System.Buffers;
using System.Text;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Which networks of its data center a cluster's hosts carry, and what for; ovirtmgmt always.</summary>
internal static class ClusterNetworks
{
    private const string Kind = "clusternetwork";

    public static void Map(Router router) => router
        .Get("clusters/{id}/networks", async call => Answer.Of(Shapes.Network, [.. (await All(call)).Take(call.Parameters.Max ?? int.MaxValue)]))
        .Post("clusters/{id}/networks", Add)
        .Get("clusters/{id}/networks/{id}", async call => Answer.Of(await Find(call)))
        .Put("clusters/{id}/networks/{id}", Update)
        .Delete("clusters/{id}/networks/{id}", Remove);

    private static async Task<Guid> CenterOf(ApiCall call) =>
        (await call.Get<ClusterView>(Kinds.Cluster, call.Id())).Config.DataCenter.Value;

    private static async Task<IReadOnlyList<Element>> All(ApiCall call)
    {
        var center = await CenterOf(call);
        var networks = await Networks.Kind.All(call, call.World.Catalogue, [new Place(center, "")]);
        var roles = (await call.World.Catalogue.List(Kind, call.Id(), call.Cancel)).ToDictionary(item => item.Name);
        return [.. networks
            .Where(network => roles.ContainsKey(network.Id!) || Networks.IsManagement(Guid.Parse(network.Id!)))
            .Select(network => Show(call, network, roles.GetValueOrDefault(network.Id!)))];
    }

    private static async Task<Element> Find(ApiCall call) =>
        (await All(call)).FirstOrDefault(network => network.Id == call.Id(1).ToString())
        ?? throw FaultException.Unknown("network", call.Ids[1]);

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Network);
        var center = await CenterOf(call);
        var networks = await Networks.Kind.All(call, call.World.Catalogue, [new Place(center, "")]);
        if (Refs.IdOf(body) is null && body.Text("name") is not { Length: > 0 }) throw FaultException.Missing("Network", "id|name", "add");
        var chosen = networks.FirstOrDefault(network => Refs.IdOf(body) is { } id ? network.Id == id.ToString() : network.Text("name") == body.Text("name"))
            ?? throw new FaultException(404, FaultException.OperationFailed, $"Entity not found: the cluster's data center has no network {body.Id ?? body.Text("name")}");
        if ((await All(call)).Any(network => network.Id == chosen.Id))
            throw FaultException.Conflict($"The cluster has the network {chosen.Text("name")} already");
        var item = Item(call, chosen.Id!, body, null);
        await Put(call, item);
        return Answer.Created(Show(call, chosen, item));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Network);
        var present = await Find(call);
        await Put(call, Item(call, present.Id!, body, present));
        return Answer.Of(await Find(call));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var present = await Find(call);
        if (Networks.IsManagement(call.Id(1)))
            throw FaultException.Conflict("The management network is in every cluster; it cannot be removed");
        var vms = await call.List<VmView>(new ReadQuery(Kinds.Vm, new Dictionary<string, string> { ["config.cluster"] = call.Id().ToString() }));
        if (vms.FirstOrDefault(vm => vm.Config.Nics.Any(nic => nic.Bridge == Networks.BridgeOf(present))) is { } user)
            throw FaultException.Conflict($"The network is in use by the VM {user.Config.Name}; give its NICs another one first");
        await call.World.Catalogue.Change(async catalogue =>
        {
            await catalogue.Remove(Kind, IdOf(call.Id(), present.Id!), call.Cancel);
            return true;
        }, call.Cancel);
        return Acts.Complete();
    }

    private static Guid IdOf(Guid cluster, string network) => NamedIds.Of($"network {network} of the cluster {cluster}");

    private static CatalogueItem Item(ApiCall call, string network, Element body, Element? present)
    {
        var isManagement = Networks.IsManagement(Guid.Parse(network));
        var usages = body.Words("usages") ?? present?.Words("usages") ?? ["vm"];
        var roles = Shapes.Network.New()
            .With("required", isManagement || (body.Flag("required") ?? present?.Flag("required") ?? true))
            .With("display", body.Flag("display") ?? present?.Flag("display") ?? usages.Contains("display"))
            .With("usages", (IEnumerable<string>)[.. usages.Union(isManagement ? ["management"] : (string[])[])]);
        var buffer = new ArrayBufferWriter<byte>();
        JsonForm.Write(buffer, roles);
        return new CatalogueItem(Kind, IdOf(call.Id(), network), call.Id(), network, Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static Task<bool> Put(ApiCall call, CatalogueItem item) => call.World.Catalogue.Change(async catalogue =>
    {
        await catalogue.Put(item, call.Cancel);
        return true;
    }, call.Cancel);

    private static Element Show(ApiCall call, Element network, CatalogueItem? item)
    {
        var shown = Networks.Kind.Shown(network);
        shown.Href = $"{Hrefs.Cluster(call.Id())}/networks/{network.Id}";
        shown.With("cluster", Refs.To(new ClusterId(call.Id())));
        if (item is null)
            return shown.With("required", true).With("display", true)
                .With("usages", (IEnumerable<string>)["vm", "display", "migration", "management", "default_route"]);
        var roles = JsonForm.Read(Encoding.UTF8.GetBytes(item.Json), Shapes.Network, 32);
        return shown.With("required", roles.Flag("required")).With("display", roles.Flag("display"))
            .With("usages", (IEnumerable<string>?)roles.Words("usages"));
    }
}
