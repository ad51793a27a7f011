using Orchestrator.Api.Description;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>
/// Objects that oVirt shows at two places: below the second one every route of the first is to be had, for those objects that
/// belong there. Mapped after the routes that they point at.
/// </summary>
internal static class Aliases
{
    private static readonly Alias[] _all =
    [
        new("datacenters/{id}/clusters/{id}", "clusters/{id}", 1, cluster => [cluster.One("data_center")]),
        new("storagedomains/{id}/disks/{id}", "disks/{id}", 1, Domains),
        new("datacenters/{id}/storagedomains/{id}/disks/{id}", "disks/{id}", 2, Domains),
        new("networks/{id}/vnicprofiles/{id}", "vnicprofiles/{id}", 1, profile => [profile.One("network")]),
    ];

    public static void Map(Router router)
    {
        foreach (var alias in _all)
        {
            foreach (var route in router.Routes.Where(route => IsBelow(route.Path, alias.Target)).ToList())
            {
                var path = alias.Path + route.Path[alias.Target.Length..];
                if (!ServiceTree.ByPath.ContainsKey(path) && !ServiceTree.ByPath.ContainsKey(path[..path.LastIndexOf('/')])) continue;
                var (resource, _) = router.Find(route.Method, Sample(route.Path));
                router.Otherwise(route.Method, path, RouteKind.Real, call => Through(router, alias, resource, call));
            }
        }

        router.Otherwise("GET", "clusters/{id}/networkfilters", RouteKind.Real, async call =>
        {
            await Must(router, call, $"clusters/{call.Ids[0]}");
            return await Must(router, call, "networkfilters");
        });
        router.Otherwise("GET", "datacenters/{id}/storagedomains/{id}/disks", RouteKind.Real, async call =>
        {
            await Must(router, call, $"datacenters/{call.Ids[0]}/storagedomains/{call.Ids[1]}");
            var (list, ids) = router.Find("GET", $"storagedomains/{call.Ids[1]}/disks");
            return await list(call.At(ids));
        });
        Items(router);
        AddBelow(router, "datacenters/{id}/clusters", "clusters", (cluster, id) => cluster.With("data_center", Shapes.DataCenter.New(id)));
        AddBelow(router, "storagedomains/{id}/disks", "disks", (disk, id) =>
            disk.With("storage_domains", [Shapes.StorageDomain.New(id)]));
    }

    /// <summary>A new object of the owner in the path.</summary>
    private static void AddBelow(Router router, string path, string target, Action<Element, Guid> own)
    {
        var (add, _) = router.Find("POST", target);
        router.Otherwise("POST", path, RouteKind.Real, async call =>
        {
            await Must(router, call, $"{path[..path.IndexOf('/', StringComparison.Ordinal)]}/{call.Ids[0]}");
            if (call.Parameters.Flag("unregistered") == true) throw FaultException.NotYet("Registering what lies in a storage domain");
            return await add(call.At([], async shape =>
            {
                var body = await call.ReadBody(shape);
                own(body, call.Id());
                return body;
            }));
        });
    }

    /// <summary>What is in a list can be had alone.</summary>
    private static void Items(Router router)
    {
        var real = router.Routes.Where(route => route.Method == "GET").Select(route => ServiceTree.Plain(route.Path)).ToHashSet();
        foreach (var service in ServiceTree.Services.Where(service => service.IsOfOne && service.Methods.Any(method => method.Name == "GET")))
        {
            var list = service.Path[..service.Path.LastIndexOf('/')];
            if (real.Contains(ServiceTree.Plain(service.Path)) || !real.Contains(ServiceTree.Plain(list))) continue;
            var (all, _) = router.Find("GET", Sample(list));
            router.Otherwise("GET", service.Path, RouteKind.Real, async call =>
                await all(call.Anew([.. call.Ids.Take(call.Ids.Count - 1)])) is Answer.Many many
                && many.Elements.FirstOrDefault(element => string.Equals(element.Id, call.Ids[^1], StringComparison.OrdinalIgnoreCase)) is { } found
                    ? Answer.Of(found)
                    : throw FaultException.Unknown(service.Type.Replace('_', ' '), call.Ids[^1]));
        }
    }

    private static IEnumerable<Element?> Domains(Element disk) => disk.Many("storage_domains") ?? [];

    private static bool IsBelow(string path, string target) =>
        path == target || path.StartsWith(target + "/", StringComparison.Ordinal);

    /// <summary>A path that finds the route.</summary>
    private static string Sample(string path) => path.Replace("{id}", $"{Guid.Empty}", StringComparison.Ordinal)
        .Replace("{number}", "0", StringComparison.Ordinal).Replace("{word}", "-", StringComparison.Ordinal);

    private static async Task<Answer> Through(Router router, Alias alias, Resource resource, ApiCall call)
    {
        var inner = call.Ids.Skip(alias.Owners).ToList();
        var place = alias.Path[..alias.Path.LastIndexOf('/')].Split('/');
        var at = 0;
        await Must(router, call, string.Join('/', place[..^1].Select(segment => segment == "{id}" ? call.Ids[at++] : segment)));
        var shown = await Must(router, call, alias.Target.Replace("{id}", inner[0], StringComparison.Ordinal));
        if (shown is not Answer.One { Element: var element } || !alias.OwnersOf(element).Any(owner => IsOf(owner, call.Ids[alias.Owners - 1])))
            throw FaultException.Unknown(ServiceTree.ByPath[alias.Target].Type.Replace('_', ' '), inner[0]);
        return await resource(call.At(inner));
    }

    private static bool IsOf(Element? owner, string id) => string.Equals(owner?.Id, id, StringComparison.OrdinalIgnoreCase);

    private static Task<Answer> Must(Router router, ApiCall call, string path)
    {
        var (read, ids) = router.Find("GET", path);
        return read(call.Anew(ids));
    }

    /// <param name="Owners">Ids in the path before that of the object itself.</param>
    /// <param name="OwnersOf">What the object, as it is shown, says that it belongs to.</param>
    private sealed record Alias(string Path, string Target, int Owners, Func<Element, IEnumerable<Element?>> OwnersOf);
}
