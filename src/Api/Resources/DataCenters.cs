using Orchestrator.Actors;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class DataCenters
{
    public static void Map(Router router) => router
        .Get("datacenters", List)
        .Post("datacenters", Add)
        .Get("datacenters/{id}", async call => Answer.Of(await Show(call, await Read(call))))
        .Put("datacenters/{id}", Update)
        .Delete("datacenters/{id}", async call =>
        {
            await Dependents.None(call, Fault.DataCenterInUse,
                (Kinds.StorageDomain, "dataCenter"), (Kinds.Cluster, "config.dataCenter"));
            return await Acts.Send(call, Kinds.DataCenter, call.Id(), origin => new DataCenterCommand.Remove(origin));
        })
        .Get("datacenters/{id}/clusters", async call =>
        {
            await Read(call);
            return await Clusters.ListOf(call, call.Id());
        });

    private static Task<DataCenterView> Read(ApiCall call) => call.Get<DataCenterView>(Kinds.DataCenter, call.Id());

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<DataCenterView>(call, Kinds.DataCenter);
        var domains = (await call.List<StorageDomainView>(new ReadQuery(Kinds.StorageDomain)))
            .ToLookup(domain => domain.DataCenter);
        return Answer.Of(Shapes.DataCenter, [.. views.Select(view => Show(call, view, domains[view.Id]))]);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.DataCenter);
        var name = Names.Required(body, "DataCenter");
        var id = Names.NewId(body);
        var config = new DataCenterConfig
        {
            Name = name,
            Description = body.Text("description") ?? "",
            Comment = body.Text("comment") ?? "",
            Local = body.Flag("local") ?? false,
            QuotaMode = QuotaMode(body) ?? "disabled",
        };
        var view = await Names.Claiming(call, Kinds.DataCenter, name, id, () => call.Ask<DataCenterView>(
            Kinds.DataCenter, id, new DataCenterCommand.Create(call.NewOrigin(), config)));
        return Answer.Created(Show(call, view, []));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.DataCenter);
        var present = await Read(call);
        var name = Names.Changed(body, "DataCenter", present.Config.Name);
        var patch = new DataCenterPatch
        {
            Name = name,
            Description = body.Text("description"),
            Comment = body.Text("comment"),
            QuotaMode = QuotaMode(body),
        };
        var view = await Names.Renaming(call, Kinds.DataCenter, name, present.Config.Name, call.Id(), () =>
            call.Ask<DataCenterView>(
                Kinds.DataCenter, call.Id(), new DataCenterCommand.Update(call.NewOrigin(), patch)));
        return Answer.Of(await Show(call, view));
    }

    private static string? QuotaMode(Element body) => body.Text("quota_mode") is null or "disabled"
        ? body.Text("quota_mode")
        : throw FaultException.NotYet($"quota_mode {body.Text("quota_mode")}", "Leave it disabled: quotas can be written down, and are not enforced.");

    private static async Task<Element> Show(ApiCall call, DataCenterView view)
    {
        var domains = await call.List<StorageDomainView>(new ReadQuery(
            Kinds.StorageDomain, new Dictionary<string, string> { ["dataCenter"] = view.Id.ToString() }));
        return Show(call, view, domains);
    }

    private static Element Show(ApiCall call, DataCenterView view, IEnumerable<StorageDomainView> domains)
    {
        var href = Hrefs.DataCenter(view.Id.Value);
        return Shapes.DataCenter.New(view.Id.Value, href)
            .With("name", view.Config.Name)
            .With("description", view.Config.Description)
            .With("comment", view.Config.Comment)
            .With("local", view.Config.Local)
            .With("quota_mode", view.Config.QuotaMode)
            .With("status", StatusOf(domains))
            .With("version", Versions.Level(call.World.Options))
            .With("supported_versions",
                Shapes.SupportedVersions.New().With("version", Versions.Level(call.World.Options)))
            .With("storage_format", "v5")
            .WithLink("storagedomains", $"{href}/storagedomains")
            .WithLink("clusters", $"{href}/clusters")
            .WithLink("networks", $"{href}/networks")
            .WithLink("quotas", $"{href}/quotas")
            .WithLink("qoss", $"{href}/qoss");
    }

    /// <summary>A data center is up while it has an active data domain; without any domain it was never
    /// begun.</summary>
    private static string StatusOf(IEnumerable<StorageDomainView> domains)
    {
        var status = "uninitialized";
        foreach (var domain in domains)
        {
            if (domain.Status == "active" && domain.Config.Type == "data") return "up";
            status = "maintenance";
        }

        return status;
    }
}
