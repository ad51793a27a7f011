using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Orchestrator.Api.Description;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Resources;
using Xunit.Abstractions;
using ServiceMethod = Orchestrator.Api.Description.Method;

namespace Orchestrator.Tests.Api;

/// <summary>
/// Cases made from the service tree: every method that the engine has, asked in each way that must be refused. The right
/// status, the fault in oVirt's form, nothing changed.
/// </summary>
public sealed class ContractTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Depth = 2;
    private readonly Installation _installation = new();
    private readonly Dictionary<string, int> _counts = [];
    private readonly List<string> _wrong = [];
    private Instances _instances = null!;
    private string _expired = "";

    private TestApi Api => _installation.Api;

    public async Task InitializeAsync()
    {
        await _installation.Fill();
        _expired = await Token();
        Api.Clock.Now += Api.Options.TokenLife;
        Api.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await Token());
        _instances = new Instances(Api);
    }

    public Task DisposeAsync() => Api.DisposeAsync();

    [Fact]
    public async Task Each_method_refuses_what_it_must()
    {
        var coverage = new Coverage(Routes.All());
        foreach (var (service, method) in ServiceTree.Methods)
        {
            if (!coverage.Works(method)) continue;
            var before = Fingerprint();
            foreach (var one in await Cases(service, method)) await Try(service, one);
            if (Fingerprint() != before) _wrong.Add($"{method.Verb} {method.Path}: something was changed");
        }

        foreach (var (service, count) in _counts.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            output.WriteLine($"{count,6}  {service}");
        output.WriteLine($"{_counts.Values.Sum(),6}  in all");
        Assert.True(_wrong.Count == 0, $"{_wrong.Count} cases went wrong:\n{string.Join('\n', _wrong.Take(60))}");
        Assert.True(_counts.Values.Sum() > 2000);
    }

    private string Fingerprint() => Api.Engine.Fingerprint() + Api.Catalogue.Fingerprint();

    private async Task<List<Case>> Cases(Service service, ServiceMethod method)
    {
        var (path, _, ids) = await _instances.Concrete(method.Path, TestApi.Unknown.ToString());
        var whole = Sample(service, method, without: null);
        var cases = new List<Case>
        {
            new(method, path, "without a token", 401) { Body = whole, Authorization = "" },
            new(method, path, "with a token that has expired", 401) { Body = whole, Authorization = $"Bearer {_expired}" },
            new(method, path, "with a token that is none", 401) { Body = whole, Authorization = "Bearer nonsense" },
            new(method, path, "for another version of the API", 400) { Body = whole, Header = ("Version", "3") },
            new(method, path, "in a form that is not here", 406) { Body = whole, Header = ("Accept", "text/html") },
        };
        cases.AddRange(NoPermission(method, path, whole));

        for (var at = 0; at < ids; at++)
        {
            var (unknown, _, _) = await _instances.Concrete(method.Path, TestApi.Unknown.ToString(), at);
            cases.Add(new Case(method, unknown, $"with the unknown id {at + 1}", 404) { Body = whole });
            if (method.Path.Split('/').Where(segment => segment[0] == '{').ElementAt(at) == "{word}") continue;
            var (malformed, _, _) = await _instances.Concrete(method.Path, "no-such-form", at);
            cases.Add(new Case(method, malformed, $"with the malformed id {at + 1}", 400) { Body = whole });
        }

        if (method.Reads || method.Name == "REMOVE" || path.Contains(TestApi.Unknown.ToString(), StringComparison.Ordinal)) return cases;
        cases.AddRange(BadBodies(service, method, path));
        return cases;
    }

    /// <summary>Room for a user without rights: who builds the permissions says here what such a one gets.</summary>
    private static IEnumerable<Case> NoPermission(ServiceMethod method, string path, string? whole) => [];

    private static IEnumerable<Case> BadBodies(Service service, ServiceMethod method, string path)
    {
        var name = method.IsAction ? "action" : service.Type;
        yield return new Case(method, path, "with XML that breaks off", 400) { Body = $"<{name}><name>" };
        yield return new Case(method, path, "with JSON that breaks off", 400) { Body = "{\"name\":", ContentType = "application/json" };
        yield return new Case(method, path, "with JSON that is no object", 400) { Body = "[1]", ContentType = "application/json" };
        yield return new Case(method, path, "in an unknown form", 415) { Body = "name=x", ContentType = "text/plain" };

        foreach (var field in method.Mandatory)
        {
            yield return new Case(method, path, $"without {field}", 400, "Incomplete parameters") { Body = Sample(service, method, without: field) };
            if (!Installation.References.TryGetValue(field, out _) || Installation.IsWhole(name, field)) continue;
            yield return new Case(method, path, $"with an unknown {field}", 404)
            {
                Body = Sample(service, method, field, $"<{field} id='{TestApi.Unknown}'/>"),
            };
            yield return new Case(method, path, $"with a malformed id of {field}", 400)
            {
                Body = Sample(service, method, field, $"<{field} id='no-such-form'/>"),
            };
        }

        var shape = method.IsAction ? Shapes.Action : Types.Find(service.Type);
        if (shape is null) yield break;
        var known = method.Parameters.Select(parameter => parameter.Name).ToHashSet();
        foreach (var (fields, kind) in Typed(shape, Depth))
        {
            if (method.IsAction && !known.Contains(fields[0])) continue;
            JsonNode value = "no-such-form";
            foreach (var field in Enumerable.Reverse(fields)) value = new JsonObject { [field] = value };
            var said = string.Join('.', fields);
            yield return new Case(method, path, $"with {said} that is no {kind}, in JSON", 400) { Body = value.ToJsonString(), ContentType = "application/json" };
            if (kind is FieldKind.One or FieldKind.Many or FieldKind.Words) continue;
            var xml = new XElement(fields[^1], "no-such-form");
            foreach (var field in Enumerable.Reverse(fields).Skip(1)) xml = new XElement(field, xml);
            yield return new Case(method, path, $"with {said} that is no {kind}, in XML", 400) { Body = new XElement(name, xml).ToString() };
        }
    }

    /// <summary>Fields whose values cannot be any text.</summary>
    private static IEnumerable<(string[] Fields, FieldKind Kind)> Typed(Shape shape, int depth)
    {
        foreach (var field in shape.Fields)
        {
            if (field.Kind != FieldKind.Text) yield return ([field.Name], field.Kind);
            if (field.Kind != FieldKind.One || depth == 1) continue;
            foreach (var (inner, kind) in Typed(field.Child, depth - 1)) yield return ([field.Name, .. inner], kind);
        }
    }

    private static string? Sample(Service service, ServiceMethod method, string? without, string instead = "")
    {
        if (method.Reads || method.Name == "REMOVE") return null;
        var name = method.IsAction ? "action" : service.Type;
        var fields = method.Mandatory.Where(field => field != without)
            .Select(field => Installation.Sample(method.IsAction ? "action" : service.Type, field));
        return $"<{name}>{string.Concat(fields)}{instead}</{name}>";
    }

    private async Task Try(Service service, Case one)
    {
        var request = new HttpRequestMessage(new HttpMethod(one.Method.Verb), $"/ovirt-engine/api/{one.Path}");
        if (one.Body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(one.Body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", one.ContentType);
        }

        if (one.Header is { } header) request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        if (one.Authorization is { Length: > 0 } given) request.Headers.TryAddWithoutValidation("Authorization", given);
        var response = await (one.Authorization is null ? Api.Client : Api.Stranger).SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        _counts[service.Path] = _counts.GetValueOrDefault(service.Path) + 1;
        if (Fails(one, (int)response.StatusCode, text) is { } why)
            _wrong.Add($"{one.Method.Verb} {one.Path} {one.Name}: {why}");
        if (one.Status == 401 && response.Headers.WwwAuthenticate.Count == 0) _wrong.Add($"{one.Method.Verb} {one.Path} {one.Name}: no WWW-Authenticate");
    }

    private static string? Fails(Case one, int status, string text)
    {
        if (status != one.Status) return $"{status} instead of {one.Status}: {text.ReplaceLineEndings(" ")}";
        var fault = XElement.Parse(text);
        if (fault.Name != "fault" || fault.Element("detail") is not { Value: ['[', .., ']'] }) return $"not a fault: {text}";
        return one.Reason is { } reason && (string?)fault.Element("reason") != reason ? $"another reason: {text}" : null;
    }

    private async Task<string> Token()
    {
        var response = await Api.Stranger.PostAsync("/ovirt-engine/sso/oauth/token", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "password",
            ["scope"] = "ovirt-app-api",
            ["username"] = TestApi.User,
            ["password"] = TestApi.Password,
        }));
        return (string)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["access_token"]!;
    }

    private sealed record Case(ServiceMethod Method, string Path, string Name, int Status, string? Reason = null)
    {
        public string? Body { get; init; }

        public string ContentType { get; init; } = "application/xml";

        /// <summary>Null: that of the administrator.</summary>
        public string? Authorization { get; init; }

        public (string Name, string Value)? Header { get; init; }
    }
}
