using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Description;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>The root document, from which clients find everything else.</summary>
internal static class EntryPoint
{
    private static readonly string[] _searchable =
        ["clusters", "datacenters", "disks", "events", "hosts", "jobs", "storagedomains", "templates", "users", "vms"];

    public static void Map(Router router)
    {
        // At the first request all routes are there.
        var collections = new Lazy<string[]>(() => Collections(router));
        router.Get("", call => Get(call, collections.Value));
    }

    private static async Task<Answer> Get(ApiCall call, string[] collections)
    {
        foreach (var description in (string[])["schema", "rsdl"])
            if (call.Parameters.Text(description) is not null)
                throw FaultException.NotYet($"?{description}", $"The description of this API is at {Hrefs.Base}/openapi.json.");
        var options = call.World.Options;
        var me = Users.Show(call.User);
        var api = Shapes.Api.New()
            .With("product_info", Shapes.ProductInfo.New()
                .With("instance_id", options.InstanceId.ToString())
                .With("name", options.ProductName)
                .With("vendor", options.Vendor)
                .With("version", Shapes.Version.New()
                    .With("build", options.Build).With("full_version", options.FullVersion)
                    .With("major", options.Major).With("minor", options.Minor).With("revision", options.Revision)))
            .With("special_objects", Shapes.SpecialObjects.New()
                .With("blank_template", Refs.To(TemplateId.Blank))
                .With("root_tag", Shapes.Tag.New(Guid.Empty, $"{Hrefs.Base}/tags/{Guid.Empty}")))
            .With("time", call.World.Clock.GetUtcNow())
            .With("authenticated_user", me)
            .With("effective_user", me);
        if (call.User.IsAdmin && !call.Parameters.Filter) api.With("summary", await Summary(call));
        foreach (var name in collections) api.WithLink(name, $"{Hrefs.Base}/{name}");
        foreach (var name in _searchable) api.WithLink($"{name}/search", $"{Hrefs.Base}/{name}?search={{query}}");
        return Answer.Of(api);
    }

    /// <summary>Those that answer with more than that they are not here.</summary>
    private static string[] Collections(Router router) =>
    [
        .. ServiceTree.Services
            .Where(service => !service.Path.Contains('/', StringComparison.Ordinal) && service.Methods.Any(method => method.Name == "LIST"))
            .Where(service => Unbuilt.EmptyCollection(service) is not null
                || router.Routes.Any(route => route is { Method: "GET", Kind: RouteKind.Real } && route.Path == service.Path))
            .Select(service => service.Path)
            .Order(StringComparer.Ordinal),
    ];

    private static async Task<Element> Summary(ApiCall call)
    {
        var users = (await call.World.Users.List(call.Cancel)).Count;
        return Shapes.Summary.New()
            .With("hosts", await Count(call, Kinds.Host, "up"))
            .With("storage_domains", await Count(call, Kinds.StorageDomain, "active"))
            .With("users", Shapes.SummaryCount.New().With("active", users).With("total", users))
            .With("vms", await Count(call, Kinds.Vm, "up"));
    }

    private static async Task<Element> Count(ApiCall call, string kind, string active)
    {
        var total = await call.World.Read.Count(new ReadQuery(kind), call.Cancel);
        var working = await call.World.Read.Count(
            new ReadQuery(kind, new Dictionary<string, string> { ["status"] = active }), call.Cancel);
        return Shapes.SummaryCount.New().With("active", working).With("total", total);
    }
}
