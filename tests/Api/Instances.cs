using System.Net;
using System.Text.Json.Nodes;
using Orchestrator.Api.Description;

namespace Orchestrator.Tests.Api;

/// <summary>Finds an object for each placeholder of a path, by reading the list that it is in.</summary>
internal sealed class Instances(TestApi api)
{
    private readonly Dictionary<string, string?> _first = [];

    /// <summary>The path with an object of the installation for each placeholder; where there is none, the unknown id.</summary>
    public async Task<(string Path, bool HasUnknown, int Known)> Concrete(string path, string unknown, int? unknownAt = null)
    {
        var made = "";
        var hasUnknown = false;
        var at = 0;
        foreach (var segment in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (segment[0] != '{')
            {
                made += (made.Length > 0 ? "/" : "") + segment;
                continue;
            }

            var id = at++ == unknownAt || hasUnknown ? null : await First(made);
            hasUnknown |= id is null;
            made += "/" + (id ?? (segment == "{number}" && unknown.Length == 36 ? "987654321" : unknown));
        }

        return (made, hasUnknown, at);
    }

    private async Task<string?> First(string list)
    {
        if (_first.TryGetValue(list, out var known)) return known;
        var response = await api.Send(HttpMethod.Get, "/" + list, headers: ("Accept", "application/json"));
        var id = response.StatusCode == HttpStatusCode.OK
            ? JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject()
                .Select(property => property.Value as JsonArray).FirstOrDefault(array => array is { Count: > 0 })?[0]?["id"]?.GetValue<string>()
            : null;
        return _first[list] = id;
    }
}
