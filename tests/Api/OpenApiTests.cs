using System.Net;
using System.Text.Json.Nodes;
using Orchestrator.Api.Description;
using Orchestrator.Api.Resources;

namespace Orchestrator.Tests.Api;

/// <summary>The description that programs read of the API: whole, and pointing nowhere else.</summary>
public sealed class OpenApiTests : IAsyncLifetime
{
    private readonly TestApi _api = new();
    private JsonNode _document = null!;

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        _document = await _api.GetJson("/openapi.json");
    }

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public void Each_route_is_in_it_and_each_operation_is_whole()
    {
        Assert.Equal("3.0.3", (string?)_document["openapi"]);
        var paths = _document["paths"]!.AsObject();
        var plain = paths.ToDictionary(
            path => ServiceTree.Plain(System.Text.RegularExpressions.Regex.Replace(path.Key[1..], @"\{\w+\}", "{id}")), path => path.Value!);
        Assert.All(Routes.All().Routes, route =>
            Assert.NotNull(plain[ServiceTree.Plain(route.Path)][route.Method.ToLowerInvariant()]));

        var ids = new HashSet<string>();
        foreach (var (path, item) in paths)
        {
            var named = System.Text.RegularExpressions.Regex.Matches(path, @"\{(\w+)\}").Select(match => match.Groups[1].Value).ToList();
            Assert.Equal(named, item!["parameters"]?.AsArray().Select(parameter => (string)parameter!["name"]!) ?? []);
            Assert.Equal(named.Count, named.Distinct().Count());
            foreach (var (verb, operation) in item.AsObject().Where(pair => pair.Key != "parameters"))
            {
                Assert.Contains(verb, (string[])["get", "post", "put", "delete"]);
                Assert.True(ids.Add((string)operation!["operationId"]!), $"two operations are {operation["operationId"]}");
                Assert.NotNull(operation["responses"]!["default"]);
                Assert.Contains((string?)operation["x-status"], (string[])["works", "empty", "not yet"]);
            }
        }
    }

    [Fact]
    public void What_it_points_at_is_there()
    {
        var count = 0;
        void Look(JsonNode? node)
        {
            if (node is JsonArray array)
                foreach (var item in array) Look(item);
            if (node is not JsonObject thing) return;
            if (thing["$ref"] is { } target)
            {
                JsonNode? at = _document;
                foreach (var part in ((string)target!).TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries)) at = at?[part];
                Assert.True(at is not null, $"there is no {target}");
                count++;
            }

            foreach (var (_, value) in thing) Look(value);
        }

        Look(_document);
        Assert.True(count > 1000);
    }

    [Theory]
    [InlineData("/model", 200)]
    [InlineData("/model.json", 200)]
    [InlineData("/model.xml", 400)]
    [InlineData("?schema", 400)]
    [InlineData("?rsdl", 400)]
    public async Task Where_ovirt_describes_itself_there_is_an_answer(string path, int status)
    {
        var response = await _api.Send(HttpMethod.Get, path);
        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        if (status == 400) Assert.Contains("openapi.json", await TestApi.FaultOf(response, HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }
}
