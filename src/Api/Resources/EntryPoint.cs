using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>The root document, from which clients find everything else.</summary>
internal static class EntryPoint
{
    private static readonly string[] _collections =
    [
        "affinitylabels", "bookmarks", "clusters", "datacenters", "disks", "domains", "events", "groups", "hosts",
        "imagetransfers", "jobs", "networks", "permissions", "roles", "storagedomains", "tags", "templates", "users", "vmpools", "vms",
        "vnicprofiles",
    ];

    private static readonly string[] _searchable =
        ["clusters", "datacenters", "disks", "events", "hosts", "jobs", "storagedomains", "templates", "vms"];

    public static void Map(Router router) => router.Get("", Get);

    private static async Task<Answer> Get(ApiCall call)
    {
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
        if (!call.Access.Filtered) api.With("summary", await Summary(call));
        foreach (var name in _collections) api.WithLink(name, $"{Hrefs.Base}/{name}");
        foreach (var name in _searchable) api.WithLink($"{name}/search", $"{Hrefs.Base}/{name}?search={{query}}");
        return Answer.Of(api);
    }

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
