using System.Buffers;
using System.Text;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>What a kind's objects are part of.</summary>
/// <param name="Name">That of the owner, which some of its parts begin with.</param>
internal readonly record struct Place(Guid Id, string Name);

/// <summary>
/// One kind of object in the catalogue: lists, adds, changes and removes it in the same way as every other kind. What every
/// system has from the first is in no table until it is changed.
/// </summary>
internal sealed class Configured
{
    public required string Kind { get; init; }

    /// <summary>Where its objects are found.</summary>
    public required string Path { get; init; }

    /// <summary>How messages name its type.</summary>
    public required string Title { get; init; }

    public required Shape Shape { get; init; }

    /// <summary>The field that says what an object is part of; empty at the top.</summary>
    public string Owner { get; init; } = "";

    /// <summary>The kind of the read model that the owner is of; empty when it is of the catalogue.</summary>
    public string OwnerKind { get; init; } = "";

    /// <summary>All owners that there are.</summary>
    public Func<ApiCall, Task<IReadOnlyList<Place>>> Places { get; init; } = _ => Task.FromResult<IReadOnlyList<Place>>([new Place(Guid.Empty, "")]);

    /// <summary>What an owner has from the first.</summary>
    public Func<Place, IEnumerable<Element>> BuiltIn { get; init; } = _ => [];

    /// <summary>Refuses values that cannot be, and fills in those that are not given.</summary>
    public Func<ApiCall, ICatalogueReading, Element, Task> Check { get; init; } = (_, _, _) => Task.CompletedTask;

    /// <summary>What is written with a new object.</summary>
    public Func<ApiCall, ICatalogueWriting, Element, Task> Added { get; init; } = (_, _, _) => Task.CompletedTask;

    /// <summary>Refuses while the object is in use, and removes what goes with it.</summary>
    public Func<ApiCall, ICatalogueWriting, Element, Task> Removing { get; init; } = (_, _, _) => Task.CompletedTask;

    public Action<Element> Links { get; init; } = _ => { };

    public void Map(Router router) => router
        .Get(Path, async call => Answer.Of(Shape, await List(call, await Places(call))))
        .Post(Path, call => Add(call, null))
        .Get(Path + "/{id}", async call => Answer.Of(Shown(await Read(call, call.World.Catalogue, call.Id()))))
        .Put(Path + "/{id}", call => Update(call, call.Id()))
        .Delete(Path + "/{id}", call => Remove(call, call.Id()));

    /// <summary>The same objects below what they are part of.</summary>
    public void MapBelow(Router router, string path, bool isChangedHere = false)
    {
        router.Get(path, async call => Answer.Of(Shape, await List(call, [await PlaceOf(call)])))
            .Post(path, async call => await Add(call, await PlaceOf(call)))
            .Get(path + "/{id}", async call => Answer.Of(Shown(await Here(call))))
            .Delete(path + "/{id}", async call =>
            {
                await Here(call);
                return await Remove(call, call.Id(1));
            });
        if (isChangedHere)
            router.Put(path + "/{id}", async call =>
            {
                await Here(call);
                return await Update(call, call.Id(1));
            });
    }

    /// <summary>The object, wherever it is, without links.</summary>
    /// <exception cref="FaultException">404.</exception>
    public async Task<Element> Read(ApiCall call, ICatalogueReading catalogue, Guid id) =>
        await Find(call, catalogue, id) ?? throw FaultException.Unknown(Shape.Name.Replace('_', ' '), id.ToString());

    public async Task<Element?> Find(ApiCall call, ICatalogueReading catalogue, Guid id)
    {
        var places = await Places(call);
        if (await catalogue.Get(Kind, id, call.Cancel) is { } item)
            return places.Any(place => place.Id == item.Parent) ? Of(item) : null;
        return places.SelectMany(BuiltIn).FirstOrDefault(element => element.Id == id.ToString());
    }

    public async Task<IReadOnlyList<Element>> All(ApiCall call, ICatalogueReading catalogue, IReadOnlyList<Place> places)
    {
        var stored = await catalogue.List(Kind, places.Count == 1 ? places[0].Id : null, call.Cancel);
        var known = places.Select(place => place.Id).ToHashSet();
        var ids = stored.Select(item => item.Id.ToString()).ToHashSet();
        return
        [
            .. stored.Where(item => known.Contains(item.Parent)).Select(Of)
                .Concat(places.SelectMany(BuiltIn).Where(element => !ids.Contains(element.Id!)))
                .OrderBy(element => element.Text("name"), StringComparer.Ordinal),
        ];
    }

    /// <summary>With links and paths, as it is answered.</summary>
    public Element Shown(Element element)
    {
        element.Href = $"{Hrefs.Base}/{Path}/{element.Id}";
        if (Path.Contains("{id}", StringComparison.Ordinal))
            element.Href = element.Href.Replace("{id}", element.One(Owner)!.Id, StringComparison.Ordinal);
        foreach (var field in Shape.Fields)
            if (field.Kind == FieldKind.One && element.One(field.Name) is { Id: { } id } other && CataloguePlaces.Of(field.Name) is { } place)
                other.Href = $"{Hrefs.Base}/{place}/{id}";
        Links(element);
        return element;
    }

    public CatalogueItem Item(Element element)
    {
        var buffer = new ArrayBufferWriter<byte>();
        JsonForm.Write(buffer, element);
        var owner = Owner.Length > 0 && Refs.IdOf(element.One(Owner)) is { } id ? id : Guid.Empty;
        return new CatalogueItem(Kind, Guid.Parse(element.Id!), owner, element.Text("name")!, Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private Element Of(CatalogueItem item) => JsonForm.Read(Encoding.UTF8.GetBytes(item.Json), Shape, 32);

    private async Task<Place> PlaceOf(ApiCall call) =>
        (await Places(call)).Where(place => place.Id == call.Id()).Cast<Place?>().FirstOrDefault()
        ?? throw FaultException.Unknown(Owner.Replace('_', ' '), call.Ids[0]);

    /// <summary>The object of the path, which must be part of the owner in the path.</summary>
    private async Task<Element> Here(ApiCall call)
    {
        var place = await PlaceOf(call);
        var element = await Read(call, call.World.Catalogue, call.Id(1));
        return Refs.IdOf(element.One(Owner)) == place.Id
            ? element
            : throw FaultException.Unknown(Shape.Name.Replace('_', ' '), call.Ids[1]);
    }

    private async Task<IReadOnlyList<Element>> List(ApiCall call, IReadOnlyList<Place> places)
    {
        if (call.Parameters.Text("search") is { Length: > 0 }) throw FaultException.NotYet($"Searching in {Path}", "Ask for them all.");
        return [.. (await All(call, call.World.Catalogue, places)).Take(call.Parameters.Max ?? int.MaxValue).Select(Shown)];
    }

    private async Task<Answer> Add(ApiCall call, Place? below)
    {
        var body = await call.ReadBody(Shape);
        Names.Required(body, Title);
        var place = below ?? await OwnerOf(call, body);
        if (Owner.Length > 0) body.With(Owner, Shape.Fields[Shape.IndexOf(Owner)].Child.New(place.Id));
        body.Id = Names.NewId(body).ToString();
        body.Href = null;
        var made = await call.World.Catalogue.Change(async catalogue =>
        {
            if (await Find(call, catalogue, Guid.Parse(body.Id)) is not null)
                throw FaultException.Conflict($"There is a {Title} with the id {body.Id} already; leave the id out or choose another");
            await Check(call, catalogue, body);
            await MustBeFree(call, catalogue, body, place);
            await catalogue.Put(Item(body), call.Cancel);
            await Added(call, catalogue, body);
            return body;
        }, call.Cancel);
        return Answer.Created(Shown(made));
    }

    private async Task<Answer> Update(ApiCall call, Guid id)
    {
        var body = await call.ReadBody(Shape);
        var made = await call.World.Catalogue.Change(async catalogue =>
        {
            var present = await Read(call, catalogue, id);
            if (Owner.Length > 0 && Refs.IdOf(body.One(Owner)) is { } other && other != Refs.IdOf(present.One(Owner)))
                throw FaultException.Conflict($"A {Title} stays in its {Owner.Replace('_', ' ')}; make another one there");
            Names.Changed(body, Title, present.Text("name")!);
            for (var at = 0; at < Shape.Fields.Count; at++)
                if (body[at] is { } value && Shape.Fields[at].Name != Owner) present[at] = value;
            await Check(call, catalogue, present);
            await MustBeFree(call, catalogue, present, new Place(Refs.IdOf(Owner.Length > 0 ? present.One(Owner) : null) ?? Guid.Empty, ""));
            await catalogue.Put(Item(present), call.Cancel);
            return present;
        }, call.Cancel);
        return Answer.Of(Shown(made));
    }

    private async Task<Answer> Remove(ApiCall call, Guid id)
    {
        await call.World.Catalogue.Change(async catalogue =>
        {
            var present = await Read(call, catalogue, id);
            if ((await Places(call)).SelectMany(BuiltIn).Any(element => element.Id == present.Id))
                throw FaultException.Conflict($"The {Title} {present.Text("name")} is one that every system has; it can be changed and not removed");
            await Removing(call, catalogue, present);
            await catalogue.Remove(Kind, id, call.Cancel);
            return true;
        }, call.Cancel);
        return Acts.Complete();
    }

    private async Task MustBeFree(ApiCall call, ICatalogueReading catalogue, Element element, Place place)
    {
        var places = Owner.Length == 0 ? await Places(call) : [.. (await Places(call)).Where(one => one.Id == place.Id)];
        if ((await All(call, catalogue, places)).Any(other => other.Id != element.Id && other.Text("name") == element.Text("name")))
            throw FaultException.Conflict($"The name {element.Text("name")} is in use by another {Title}; choose another name");
    }

    private async Task<Place> OwnerOf(ApiCall call, Element body)
    {
        if (Owner.Length == 0) return new Place(Guid.Empty, "");
        var named = body.One(Owner);
        var missing = FaultException.Missing(Title, $"{Owner}.id|name", "add");
        if (OwnerKind.Length > 0) return new Place(await Refs.Resolve(call, OwnerKind, named) ?? throw missing, "");
        if (named is null) throw missing;
        var places = await Places(call);
        if (Refs.IdOf(named) is { } id)
            return places.Any(place => place.Id == id) ? new Place(id, "") : throw FaultException.Unknown(Owner.Replace('_', ' '), id.ToString());
        if (named.Text("name") is not { Length: > 0 } name) throw missing;
        return places.Where(place => place.Name == name).ToList() is [var only]
            ? only
            : throw new FaultException(404, FaultException.OperationFailed, $"Entity not found: {Owner}: name={name} (say its id)");
    }
}

/// <summary>Where a pointer of a given name leads.</summary>
internal static class CataloguePlaces
{
    public static string? Of(string field) => field switch
    {
        "data_center" => "datacenters",
        "cluster" => "clusters",
        "storage_domain" => "storagedomains",
        "network" => "networks",
        "network_filter" => "networkfilters",
        "parent" => "tags",
        _ => null,
    };

    public static Func<ApiCall, Task<IReadOnlyList<Place>>> OfKind(string kind) => async call =>
        [.. (await call.World.Read.List(new ReadQuery(kind), call.Cancel)).Select(document => new Place(document.Id, document.Name))];
}
