using System.Buffers;
using System.Text.Json;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Resources;

namespace Orchestrator.Api.Description;

/// <summary>The API described in OpenAPI 3.0's form, made from the service tree, the types and the routes; JSON is described,
/// which has the same fields as XML.</summary>
internal sealed class OpenApi(Router router, ApiOptions options)
{
    private readonly Coverage _coverage = new(router);

    public byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>(1 << 20);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("openapi", "3.0.3");
        json.WriteStartObject("info");
        json.WriteString("title", options.ProductName);
        json.WriteString("version", $"{options.Major}.{options.Minor}");
        json.WriteString("description",
            "oVirt's REST API v4. An operation with x-status 'not yet' answers 400 with a sentence that says what will do instead.");
        json.WriteEndObject();
        json.WriteStartArray("servers");
        json.WriteStartObject();
        json.WriteString("url", Hrefs.Base);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartArray("security");
        foreach (var scheme in (string[])["bearer", "basic"])
        {
            json.WriteStartObject();
            json.WriteStartArray(scheme);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Paths(json);
        Components(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private void Paths(Utf8JsonWriter json)
    {
        var described = ServiceTree.Methods.ToLookup(one => ServiceTree.Plain(one.Method.Path));
        var others = router.Routes.Where(route => !described[ServiceTree.Plain(route.Path)].Any(one => one.Method.Verb == route.Method))
            .ToLookup(route => ServiceTree.Plain(route.Path));
        json.WriteStartObject("paths");
        foreach (var path in described.Select(group => group.Key).Union(others.Select(group => group.Key)))
        {
            var (named, ids) = Named(path);
            json.WriteStartObject("/" + named);
            if (ids.Count > 0)
            {
                json.WriteStartArray("parameters");
                foreach (var id in ids) Parameter(json, id, "path", "s", isRequired: true);
                json.WriteEndArray();
            }

            foreach (var (service, method) in described[path]) Operation(json, service, method);
            foreach (var route in others[path]) Other(json, route);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>Each placeholder under a name of its own: that of the type that it is an id of.</summary>
    private static (string Path, List<string> Ids) Named(string path)
    {
        var ids = new List<string>();
        var made = new List<string>();
        foreach (var segment in path.Split('/'))
        {
            if (segment != "{id}")
            {
                made.Add(segment);
                continue;
            }

            var list = ServiceTree.Services.FirstOrDefault(service => ServiceTree.Plain(service.Path) == string.Join('/', path.Split('/')[..made.Count]));
            var name = $"{list?.Type ?? "object"}_id";
            while (ids.Contains(name)) name = "inner_" + name;
            ids.Add(name);
            made.Add($"{{{name}}}");
        }

        return (string.Join('/', made), ids);
    }

    private void Operation(Utf8JsonWriter json, Service service, Method method)
    {
        var works = _coverage.Works(method);
        var isEmpty = _coverage.IsEmpty(service, method);
        Begin(json, method.Verb, method.Path, method.Name);
        json.WriteString("x-status", works ? "works" : isEmpty ? "empty" : "not yet");
        if (!works && !isEmpty) json.WriteString("description", Unbuilt.InsteadOf(method.Path));
        json.WriteStartArray("parameters");
        foreach (var common in (string[])["correlation_id", .. method.CanFollow ? ["follow"] : (string[])[], .. method.IsAsync ? ["async"] : (string[])[]])
            Ref(json, $"#/components/parameters/{common}");
        if (!method.IsAction)
            foreach (var parameter in method.Parameters) Parameter(json, parameter.Name, "query", parameter.Type, isRequired: false);
        json.WriteEndArray();
        if (method.Name is "ADD" or "UPDATE" || method.IsAction)
        {
            json.WriteStartObject("requestBody");
            json.WriteBoolean("required", method.Mandatory.Length > 0);
            if (method.Mandatory.Length > 0) json.WriteString("description", $"Must have: {string.Join(", ", method.Mandatory)}");
            Content(json, () => Schema(json, method.IsAction ? "action" : service.Type));
            json.WriteEndObject();
        }

        json.WriteStartObject("responses");
        foreach (var status in method.Name == "ADD" ? ["201", "202"] : method.IsAction ? ["200", "202"] : (string[])["200"])
            Response(json, status, () =>
            {
                if (method.Name == "LIST") List(json, service.Type);
                else Schema(json, method.IsAction || method.Name == "REMOVE" ? "action" : service.Type);
            });
        End(json);
    }

    /// <summary>A route of this engine's own.</summary>
    private static void Other(Utf8JsonWriter json, Route route)
    {
        Begin(json, route.Method, route.Path, "own");
        json.WriteString("x-status", "works");
        json.WriteStartObject("responses");
        json.WriteStartObject("200");
        json.WriteString("description", "done");
        json.WriteEndObject();
        End(json);
    }

    private static void Begin(Utf8JsonWriter json, string verb, string path, string name)
    {
        json.WriteStartObject(verb.ToLowerInvariant());
        var words = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(segment => segment[0] != '{');
        var one = name == "REMOVE" && !path.EndsWith('}') ? ".several" : "";
        json.WriteString("operationId", string.Join('.', words.Prepend("api")) + one + (path.EndsWith('/' + name) ? "" : $".{name.ToLowerInvariant()}")
            + (name == "own" ? $".{verb.ToLowerInvariant()}" : ""));
        json.WriteStartArray("tags");
        json.WriteStringValue(path.Split('/')[0] is { Length: > 0 } first ? first : "api");
        json.WriteEndArray();
    }

    private static void End(Utf8JsonWriter json)
    {
        foreach (var status in (string[])["400", "401", "403", "404", "409", "default"]) Ref(json, "#/components/responses/fault", status);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Components(Utf8JsonWriter json)
    {
        json.WriteStartObject("components");
        json.WriteStartObject("securitySchemes");
        foreach (var scheme in (string[])["bearer", "basic"])
        {
            json.WriteStartObject(scheme);
            json.WriteString("type", "http");
            json.WriteString("scheme", scheme);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteStartObject("parameters");
        foreach (var (name, type) in ((string, string)[])[("correlation_id", "s"), ("follow", "s"), ("async", "b")])
        {
            json.WritePropertyName(name);
            Parameter(json, name, "query", type, isRequired: false);
        }

        json.WriteEndObject();
        json.WriteStartObject("responses");
        json.WriteStartObject("fault");
        json.WriteString("description", "Refused: why, and what to do");
        Content(json, () => Schema(json, "fault"));
        json.WriteEndObject();
        json.WriteEndObject();
        Schemas(json);
        json.WriteEndObject();
    }

    private static void Schemas(Utf8JsonWriter json)
    {
        json.WriteStartObject("schemas");
        foreach (var (name, shape) in Types.ByName.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(name);
            json.WriteString("type", "object");
            json.WriteStartObject("properties");
            var names = shape.Fields.Select(field => field.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var own in (string[])["id", "href"])
                if (!names.Contains(own)) Plain(json, own, "string");
            foreach (var field in shape.Fields)
            {
                json.WritePropertyName(field.Name);
                Field(json, field);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        foreach (var name in ServiceTree.Services.Select(service => service.Type).Where(type => Types.Find(type) is null).Distinct())
        {
            json.WriteStartObject(name);
            json.WriteString("type", "object");
            json.WriteStartObject("properties");
            foreach (var own in (string[])["id", "href", "name"]) Plain(json, own, "string");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Field(Utf8JsonWriter json, Field field)
    {
        switch (field.Kind)
        {
            case FieldKind.One:
                Schema(json, Types.NameOf(field.Child));
                return;
            case FieldKind.Many:
                List(json, Types.NameOf(field.Child), field.Child.Name);
                return;
        }

        json.WriteStartObject();
        json.WriteString("type", field.Kind switch
        {
            FieldKind.Decimal or FieldKind.Date => "number",
            FieldKind.Words => "object",
            _ => "string",
        });
        if (field.Kind == FieldKind.Integer) json.WriteString("format", "int32");
        if (field.Kind == FieldKind.Long) json.WriteString("format", "int64");
        if (field.Kind is FieldKind.Integer or FieldKind.Long) json.WriteString("pattern", "^-?[0-9]+$");
        if (field.Kind == FieldKind.Date) json.WriteString("description", "Milliseconds since 1970");
        if (field.Kind == FieldKind.Boolean) Enum(json, ["true", "false"]);
        if (field is { Kind: FieldKind.Choice, Choices: { } choices }) Enum(json, choices.Order(StringComparer.Ordinal));
        if (field.Kind == FieldKind.Words)
        {
            json.WriteStartObject("properties");
            json.WriteStartObject(field.Item);
            json.WriteString("type", "array");
            json.WriteStartObject("items");
            json.WriteString("type", "string");
            if (field.Choices is { } words) Enum(json, words.Order(StringComparer.Ordinal));
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Enum(Utf8JsonWriter json, IEnumerable<string> words)
    {
        json.WriteStartArray("enum");
        foreach (var word in words) json.WriteStringValue(word);
        json.WriteEndArray();
    }

    private static void Plain(Utf8JsonWriter json, string name, string type)
    {
        json.WriteStartObject(name);
        json.WriteString("type", type);
        json.WriteEndObject();
    }

    private static void Parameter(Utf8JsonWriter json, string name, string place, string type, bool isRequired)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("in", place);
        json.WriteBoolean("required", isRequired);
        Plain(json, "schema", type switch { "b" => "boolean", "i" => "integer", _ => "string" });
        json.WriteEndObject();
    }

    private static void Response(Utf8JsonWriter json, string status, Action schema)
    {
        json.WriteStartObject(status);
        json.WriteString("description", status switch { "201" => "created", "202" => "accepted, and still at work", _ => "done" });
        Content(json, schema);
        json.WriteEndObject();
    }

    private static void Content(Utf8JsonWriter json, Action schema)
    {
        json.WriteStartObject("content");
        json.WriteStartObject("application/json");
        json.WritePropertyName("schema");
        schema();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void List(Utf8JsonWriter json, string type, string? element = null)
    {
        json.WriteStartObject();
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        json.WriteStartObject(element ?? type);
        json.WriteString("type", "array");
        json.WritePropertyName("items");
        Schema(json, type);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Schema(Utf8JsonWriter json, string type) => Ref(json, $"#/components/schemas/{type}");

    private static void Ref(Utf8JsonWriter json, string target, string? property = null)
    {
        if (property is not null) json.WritePropertyName(property);
        json.WriteStartObject();
        json.WriteString("$ref", target);
        json.WriteEndObject();
    }
}
