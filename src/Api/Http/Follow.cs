using Microsoft.AspNetCore.Http;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Resources;

namespace Orchestrator.Api.Http;

/// <summary>
/// oVirt's follow parameter: "nics,disk_attachments.disk" puts what is behind those links into the answer itself.
/// A name that is neither a link nor an object of the type is an error, so that a misspelling is noticed.
/// </summary>
public sealed class Follow(Router router, int most)
{
    private int _read;

    public async Task Expand(ApiCall call, Answer answer, string follow)
    {
        var wanted = Parse(follow);
        var elements = answer switch
        {
            Answer.One one => [one.Element],
            Answer.Many many => many.Elements,
            _ => [],
        };
        await Expand(call, elements, wanted);
    }

    /// <summary>Level by level: what a level points at is read in one go before each is looked at.</summary>
    private async Task Expand(ApiCall call, IReadOnlyList<Element> elements, Dictionary<string, string> wanted)
    {
        foreach (var (name, rest) in wanted)
        {
            await Foresee(call, elements, name);
            // Many point at the same: it is read once, and is one and the same element in all of them.
            var known = new Dictionary<string, Answer?>();
            foreach (var element in elements) await Replace(call, element, name, known);
            if (rest.Length == 0) continue;
            var inner = elements.SelectMany(element => element[element.Shape.IndexOf(name)] switch
            {
                Element one => [one],
                IReadOnlyList<Element> many => many,
                _ => [],
            });
            await Expand(call, [.. inner.Distinct(ReferenceEqualityComparer.Instance).Cast<Element>()], Parse(rest));
        }
    }

    private static async Task Foresee(ApiCall call, IReadOnlyList<Element> elements, string name)
    {
        if (elements.Count < 2) return;
        var wanted = new Dictionary<string, List<Guid>>();
        var guests = new List<Guid>();
        foreach (var element in elements)
        {
            var at = element.Shape.IndexOf(name);
            if (at < 0) continue;
            var href = element.Shape.Fields[at].Kind == FieldKind.One
                ? element.One(name)?.Href
                : element.Links.FirstOrDefault(link => link.Rel == RelOf(name)).Href;
            // The first object on the way to it: vms/{id} of vms/{id}/nics.
            if (href?[(Hrefs.Base.Length + 1)..].Split('/') is not [var collection, var text, ..]
                || Hrefs.KindOf(collection) is not { } kind || !Guid.TryParse(text, out var id))
                continue;
            if (!wanted.TryGetValue(kind, out var ids)) wanted[kind] = ids = [];
            ids.Add(id);
            if (kind == Kinds.Vm) guests.Add(id);
        }

        foreach (var (kind, ids) in wanted) await call.Foresee(kind, ids);
        if (guests.Count > 0) await call.Guests(guests);
    }

    private async Task Replace(ApiCall call, Element element, string name, Dictionary<string, Answer?> known)
    {
        var at = element.Shape.IndexOf(name);
        if (at < 0)
            throw FaultException.Bad($"follow={name}: the type {element.Shape.Name} has nothing of that name to follow");
        if (element.Shape.Fields[at].Kind == FieldKind.One && element.One(name) is { Href: { } href })
        {
            var read = await Read(call, href, known);
            if (read is Answer.One one) element[at] = one.Element;
        }
        else if (element.Links.FirstOrDefault(link => link.Rel == RelOf(name)) is { Href: { } list } link)
        {
            var read = await Read(call, list, known);
            if (read is not Answer.Many many) return;
            element[at] = many.Elements;
            element.RemoveLink(link.Rel);
        }
    }

    private async Task<Answer?> Read(ApiCall call, string href, Dictionary<string, Answer?> known) =>
        known.TryGetValue(href, out var before) ? before : known[href] = await Read(call, href);

    private async Task<Answer?> Read(ApiCall call, string href)
    {
        if (++_read > most)
            throw FaultException.Bad($"follow would read more than {most} links; ask with max, or follow less");
        var (resource, ids) = router.Find(HttpMethods.Get, href[(Hrefs.Base.Length + 1)..]);
        try
        {
            return await resource(call.Inner(ids));
        }
        catch (FaultException gone) when (gone.Status == 404)
        {
            // Removed since the document that points at it was read: the bare link stays.
            return null;
        }
    }

    /// <summary>Links are named without underscores, elements with.</summary>
    private static string RelOf(string name) => name.Replace("_", "", StringComparison.Ordinal);

    /// <summary>"a,b.c,b.d" → a: "", b: "c,d".</summary>
    private static Dictionary<string, string> Parse(string follow)
    {
        var wanted = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in follow.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var dot = path.IndexOf('.', StringComparison.Ordinal);
            var name = dot < 0 ? path : path[..dot];
            var rest = dot < 0 ? "" : path[(dot + 1)..];
            wanted[name] = wanted.TryGetValue(name, out var before) && before.Length > 0 && rest.Length > 0
                ? $"{before},{rest}"
                : rest.Length > 0 ? rest : before ?? "";
        }

        return wanted;
    }
}
