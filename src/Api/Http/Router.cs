using Microsoft.AspNetCore.Http;

namespace Orchestrator.Api.Http;

public delegate Task<Answer> Resource(ApiCall call);

/// <summary>
/// Paths below the base, as a tree of segments: no regular expressions, nothing allocated but the ids.
/// "{id}" takes any one segment, which must then be a UUID; "{number}" one that must be a whole number; "{word}" any.
/// </summary>
public sealed class Router
{
    private readonly Branch _root = new();
    private readonly List<Route> _routes = [];

    /// <summary>Every path that was mapped, as it was mapped.</summary>
    public IReadOnlyList<Route> Routes => _routes;

    public Router Get(string path, Resource resource) => Add(HttpMethods.Get, path, resource);

    public Router Post(string path, Resource resource) => Add(HttpMethods.Post, path, resource);

    public Router Put(string path, Resource resource) => Add(HttpMethods.Put, path, resource);

    public Router Delete(string path, Resource resource) => Add(HttpMethods.Delete, path, resource);

    /// <summary>Answers where nothing else does; a route that is there already stays, and so does what its ids look
    /// like.</summary>
    /// <param name="kind">Whether there is something behind it.</param>
    public void Otherwise(string method, string path, RouteKind kind, Resource resource) => Add(method, path, resource, kind);

    /// <param name="path">Without the base and without a slash in front, such as "vms/abc/start".</param>
    /// <exception cref="FaultException">404 unknown path, 405 unknown method, 400 malformed id.</exception>
    public (Resource Resource, IReadOnlyList<string> Ids) Find(string method, string path)
    {
        var branch = _root;
        List<string>? ids = null;
        foreach (var range in path.AsSpan().Split('/'))
        {
            var segment = path[range];
            if (segment.Length == 0) continue;
            if (branch.Words.TryGetValue(segment, out var next))
            {
                branch = next;
                continue;
            }

            branch = branch.Id ?? throw new FaultException(404, FaultException.OperationFailed,
                $"There is nothing at {path} in this API");
            CheckId(branch, segment);
            (ids ??= []).Add(segment);
        }

        if (branch.Methods.TryGetValue(method, out var resource)) return (resource, ids ?? []);
        if (branch.Methods.Count == 0)
            throw new FaultException(404, FaultException.OperationFailed, $"There is nothing at {path} in this API");
        throw new FaultException(405, FaultException.OperationFailed, $"{method} is not possible at {path}")
        {
            Allow = string.Join(", ", branch.Methods.Keys.Order(StringComparer.Ordinal)),
        };
    }

    private static void CheckId(Branch branch, string segment)
    {
        var number = branch.IsNumber;
        if (branch.IsWord) return;
        if (number ? long.TryParse(segment, out _) : Guid.TryParseExact(segment, "D", out _)) return;
        throw new FaultException(400, "Operation failed",
            number ? $"'{segment}' is not a number" : $"'{segment}' is not a UUID such as 123e4567-e89b-12d3-a456-426614174000");
    }

    private Router Add(string method, string path, Resource resource, RouteKind? otherwise = null)
    {
        var branch = _root;
        foreach (var segment in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (segment is "{id}" or "{number}" or "{word}")
            {
                var isNew = branch.Id is null;
                branch = branch.Id ??= new Branch();
                if (isNew || otherwise is null) (branch.IsNumber, branch.IsWord) = (segment == "{number}", segment == "{word}");
            }
            else
            {
                if (!branch.Words.TryGetValue(segment, out var next)) branch.Words[segment] = next = new Branch();
                branch = next;
            }
        }

        if (otherwise is not null && branch.Methods.ContainsKey(method)) return this;
        branch.Methods.Add(method, resource);
        _routes.Add(new Route(method, path, otherwise ?? RouteKind.Real));
        return this;
    }

    private sealed class Branch
    {
        public Dictionary<string, Branch> Words { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, Resource> Methods { get; } = new(StringComparer.Ordinal);

        public Branch? Id { get; set; }

        public bool IsNumber { get; set; }

        public bool IsWord { get; set; }
    }
}

public enum RouteKind
{
    Real,
    /// <summary>It only says that there is nothing behind it.</summary>
    StandIn,
}

public sealed record Route(string Method, string Path, RouteKind Kind);
