using Orchestrator.Actors.Journal;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Labels in a tree, and what they are stuck on.</summary>
internal static class Tags
{
    private const string Assigned = "assignedtag";
    private static readonly string[] _owners = ["vms", "hosts", "templates", "users", "groups"];

    private static readonly Configured _tags = new()
    {
        Kind = "tag",
        Path = "tags",
        Title = "Tag",
        Shape = Shapes.Tag,
        BuiltIn = _ => [Shapes.Tag.New(Guid.Empty, null).With("name", "root").With("description", "root")],
        Check = Check,
        Removing = Removing,
    };

    public static void Map(Router router)
    {
        _tags.Map(router);
        foreach (var owner in _owners)
        {
            var path = $"{owner}/{{id}}/tags";
            router.Get(path, async call => Answer.Of(Shapes.Tag, [.. (await Of(call, router, owner)).Take(call.Parameters.Max ?? int.MaxValue)]))
                .Post(path, call => Assign(call, router, owner))
                .Get(path + "/{id}", async call => Answer.Of(await Find(call, router, owner)))
                .Delete(path + "/{id}", async call =>
                {
                    await Find(call, router, owner);
                    await call.World.Catalogue.Change(async catalogue =>
                    {
                        await catalogue.Remove(Assigned, IdOf(call.Id(), call.Id(1)), call.Cancel);
                        return true;
                    }, call.Cancel);
                    return Acts.Complete();
                });
        }
    }

    private static async Task Check(ApiCall call, ICatalogueReading catalogue, Element tag)
    {
        tag.With("description", tag.Text("description") ?? "");
        if (tag.Id == Guid.Empty.ToString()) return;
        var parent = Refs.IdOf(tag.One("parent")) ?? await ByName(call, catalogue, tag.One("parent")?.Text("name")) ?? Guid.Empty;
        tag.With("parent", Shapes.Tag.New(parent));

        // Up to the root, without meeting itself.
        for (Element? at = tag; Refs.IdOf(at.One("parent")) is { } up && up != Guid.Empty;)
        {
            if (up.ToString() == tag.Id) throw FaultException.Conflict("A tag cannot be below itself; choose another parent");
            at = await _tags.Read(call, catalogue, up);
        }
    }

    private static async Task Removing(ApiCall call, ICatalogueWriting catalogue, Element tag)
    {
        var all = await _tags.All(call, catalogue, [new Place(Guid.Empty, "")]);
        if (all.FirstOrDefault(other => other.One("parent")?.Id == tag.Id) is { } below)
            throw FaultException.Conflict($"The tag {below.Text("name")} is below this one; remove that first");
        foreach (var item in await catalogue.List(Assigned, null, call.Cancel))
            if (item.Name == tag.Id) await catalogue.Remove(Assigned, item.Id, call.Cancel);
    }

    private static async Task<Guid?> ByName(ApiCall call, ICatalogueReading catalogue, string? name)
    {
        if (name is null) return null;
        var all = await _tags.All(call, catalogue, [new Place(Guid.Empty, "")]);
        return all.FirstOrDefault(tag => tag.Text("name") == name) is { } found
            ? Guid.Parse(found.Id!)
            : throw new FaultException(404, FaultException.OperationFailed, $"Entity not found: tag: name={name}");
    }

    private static async Task<IReadOnlyList<Element>> Of(ApiCall call, Router router, string owner)
    {
        var (read, ids) = router.Find("GET", $"{owner}/{call.Ids[0]}");
        await read(call.Anew(ids));
        var assigned = (await call.World.Catalogue.List(Assigned, call.Id(), call.Cancel)).Select(item => item.Name).ToHashSet();
        if (assigned.Count == 0) return [];
        var all = await _tags.All(call, call.World.Catalogue, [new Place(Guid.Empty, "")]);
        return [.. all.Where(tag => assigned.Contains(tag.Id!)).Select(tag => Show(call, owner, tag))];
    }

    private static async Task<Element> Find(ApiCall call, Router router, string owner) =>
        (await Of(call, router, owner)).FirstOrDefault(tag => tag.Id == call.Id(1).ToString())
        ?? throw FaultException.Unknown("tag of that object", call.Ids[1]);

    private static async Task<Answer> Assign(ApiCall call, Router router, string owner)
    {
        var body = await call.ReadBody(Shapes.Tag);
        await Of(call, router, owner);
        var tag = await call.World.Catalogue.Change(async catalogue =>
        {
            var id = Refs.IdOf(body) ?? await ByName(call, catalogue, body.Text("name")) ?? throw FaultException.Missing("Tag", "id|name", "add");
            var found = await _tags.Read(call, catalogue, id);
            await catalogue.Put(new CatalogueItem(Assigned, IdOf(call.Id(), id), call.Id(), id.ToString(), "{}"), call.Cancel);
            return found;
        }, call.Cancel);
        return Answer.Created(Show(call, owner, tag));
    }

    private static Guid IdOf(Guid owner, Guid tag) => NamedIds.Of($"tag {tag} of {owner}");

    private static Element Show(ApiCall call, string owner, Element tag)
    {
        var shown = _tags.Shown(tag);
        shown.Href = $"{Hrefs.Base}/{owner}/{call.Ids[0]}/tags/{tag.Id}";
        return shown;
    }
}
