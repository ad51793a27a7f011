using System.Globalization;
using System.Text;
using Orchestrator.Api.Http;
using Orchestrator.Api.Resources;

namespace Orchestrator.Api.Description;

/// <summary>What of oVirt's API this engine carries, read off its routes; docs/api-coverage.md.</summary>
public sealed class Coverage
{
    private readonly HashSet<(string, string)> _real;

    public Coverage(Router router) => _real =
        [.. router.Routes.Where(route => route.Kind == RouteKind.Real).Select(route => (route.Method, ServiceTree.Plain(route.Path)))];

    public bool Works(Method method) => _real.Contains((method.Verb, ServiceTree.Plain(method.Path)));

    /// <summary>It answers with an empty list, or that there is no such object, because there cannot be one.</summary>
    public bool IsEmpty(Service service, Method method) =>
        !Works(method) && Unbuilt.EmptyCollection(service) is not null && (service.IsOfOne || method.Name == "LIST");

    public string Markdown()
    {
        var all = ServiceTree.Methods.ToList();
        var works = all.Count(one => Works(one.Method));
        var empty = all.Count(one => IsEmpty(one.Service, one.Method));
        var services = ServiceTree.Services.Where(service => service.Methods.Length > 0).ToList();
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"""
            # What of oVirt's API is here

            Written by a test (tests/Api, ORCHESTRATOR_REWRITE=1) from the service tree and the engine's routes; do not edit.

            | | services | methods |
            |---|---|---|
            | work | {services.Count(s => StatusOf(s) == "works")} | {works} |
            | can be read, not all can be written | {services.Count(s => StatusOf(s) is "read only" or "in part")} | |
            | always empty: the engine can make none | {services.Count(s => StatusOf(s) == "empty")} | {empty} |
            | not yet | {services.Count(s => StatusOf(s) == "not yet")} | {all.Count - works - empty} |
            | **all of oVirt's** | {services.Count} | {all.Count} |

            A method that is not here yet answers 400 with a sentence that says what will do instead, and 404 below an object
            that does not exist; it changes nothing.

            | Service | | Works | Not yet |
            |---|---|---|---|

            """);
        foreach (var service in services)
        {
            var here = service.Methods.Where(Works).Select(method => method.Name);
            var missing = service.Methods.Where(method => !Works(method) && !IsEmpty(service, method)).Select(method => method.Name);
            text.Append(CultureInfo.InvariantCulture, $"| /{service.Path} | {StatusOf(service)} | {string.Join(' ', here)} | {string.Join(' ', missing)} |\n");
        }

        return text.ToString().ReplaceLineEndings("\n");
    }

    public string StatusOf(Service service)
    {
        if (service.Methods.All(Works)) return "works";
        if (Unbuilt.EmptyCollection(service) is not null && !service.Methods.Any(Works)) return "empty";
        if (!service.Methods.Any(Works)) return "not yet";
        return service.Methods.Where(Works).All(method => method.Reads) ? "read only" : "in part";
    }
}
