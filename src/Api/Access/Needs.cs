using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Resources;

namespace Orchestrator.Api.Access;

/// <summary>Objects that a permit is asked on; null when the request names none.</summary>
internal delegate Task<IReadOnlyList<ObjectRef>?> Where(ApiCall call);

/// <summary>One condition on who may ask for a route.</summary>
public abstract record Need
{
    private Need()
    {
    }

    /// <summary>Everybody, or the resource itself looks at who asks.</summary>
    internal sealed record Anybody : Need;

    /// <summary>Who sees everything: administrators that do not ask for their own alone.</summary>
    internal sealed record AllSight : Need;

    internal sealed record Sight(Where What) : Need;

    internal sealed record Right(Permit Permit, Where On) : Need
    {
        /// <summary>Null: always.</summary>
        public Func<ApiCall, Task<bool>>? When { get; init; }

        /// <summary>The request may name no such object, and needs no permit then.</summary>
        public bool Optional { get; init; }
    }
}

/// <param name="Pattern">As the router has it; "/**" at its end stands for itself and all below.</param>
public sealed record GuardLine(string Methods, string Pattern, IReadOnlyList<Need> Needs);

/// <summary>Where a request names the object that a permit is asked on.</summary>
internal static class Places
{
    public static Where System { get; } = _ => Some(ObjectRef.System);

    public static Where At(string kind, int at = 0) => call => Some(new ObjectRef(kind, call.Id(at)));

    /// <summary>The object that the body points at by id or by name.</summary>
    /// <param name="path">Fields down to it; "[]" behind one that is a list, of which each counts.</param>
    public static Where Body(Shape shape, string kind, string path) => async call =>
    {
        var found = new List<ObjectRef>();
        foreach (var reference in Along([await call.ReadBody(shape)], path.Split('.')))
            if (await Refs.Resolve(call, kind, reference) is { } id)
                found.Add(new ObjectRef(kind, id));
        return found.Count == 0 ? null : found;
    };

    /// <summary>The first that the request names.</summary>
    public static Where Or(this Where first, Where second) => async call => await first(call) ?? await second(call);

    /// <summary>It need not name any.</summary>
    public static Need.Right IfAny(this Need.Right right) => right with { Optional = true, On = async call => await right.On(call) ?? [] };

    /// <summary>Where a document of the path's object points to.</summary>
    public static Where InDocument(string kind, Func<ApiCall, Document, IEnumerable<ObjectRef>> read, int at = 0) => async call =>
        await call.Find(kind, call.Id(at)) is { } document ? [.. read(call, document)] : [new ObjectRef(kind, call.Id(at))];

    public static Func<ApiCall, Task<bool>> Says(Shape shape, params string[] paths) => async call =>
    {
        var body = await call.ReadBody(shape);
        return paths.Any(path => Has([body], path.Split('.')));
    };

    public static Task<IReadOnlyList<ObjectRef>?> Some(params ObjectRef[] objects) => Task.FromResult<IReadOnlyList<ObjectRef>?>(objects);

    private static bool Has(IEnumerable<Element> from, ReadOnlySpan<string> path)
    {
        var last = path[^1];
        return Along(from, path[..^1]).Any(element => element.Shape.IndexOf(last) >= 0 && element.Has(last));
    }

    private static List<Element> Along(IEnumerable<Element> from, ReadOnlySpan<string> path)
    {
        var now = from.ToList();
        foreach (var step in path)
        {
            var field = step.TrimEnd('[', ']');
            now = step.EndsWith(']')
                ? [.. now.Where(element => element.Shape.IndexOf(field) >= 0).SelectMany(element => element.Many(field) ?? [])]
                : [.. now.Where(element => element.Shape.IndexOf(field) >= 0).Select(element => element.One(field)).OfType<Element>()];
        }

        return now;
    }
}
