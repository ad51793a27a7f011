using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Representation;

/// <summary>
/// oVirt's JSON: integers and booleans are strings, decimals numbers, dates epoch milliseconds, a list is an object
/// with the singular name holding an array, and an empty list is {}. Input may also carry native scalars.
/// </summary>
public static class JsonForm
{
    private static readonly JsonWriterOptions _writing = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public static void Write(IBufferWriter<byte> output, Element element)
    {
        using var json = new Utf8JsonWriter(output, _writing);
        WriteElement(json, element);
    }

    public static void WriteList(IBufferWriter<byte> output, Shape shape, IReadOnlyList<Element> elements)
    {
        using var json = new Utf8JsonWriter(output, _writing);
        WriteMany(json, shape.Name, elements);
    }

    /// <exception cref="FaultException">400: not JSON, too deep, not an object, or a value of the wrong
    /// kind.</exception>
    public static Element Read(ReadOnlyMemory<byte> body, Shape shape, int maxDepth)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = maxDepth });
            return ReadElement(document.RootElement, shape, shape.Name);
        }
        catch (JsonException malformed)
        {
            throw new FaultException(400, "Malformed JSON", $"The body is not JSON that can be read here: {malformed.Message}");
        }
        catch (InvalidOperationException malformed)
        {
            // System.Text.Json's answer to a text with broken UTF-16 escapes, found only when the text is taken out.
            throw new FaultException(400, "Malformed JSON", $"A text in the body is not valid: {malformed.Message}");
        }
    }

    private static void WriteElement(Utf8JsonWriter json, Element element)
    {
        json.WriteStartObject();
        if (element.Actions.Count > 0)
        {
            json.WriteStartObject("actions");
            WriteLinks(json, element.Actions);
            json.WriteEndObject();
        }

        var fields = element.Shape.Fields;
        for (var at = 0; at < fields.Count; at++)
            if (element[at] is { } value)
                WriteField(json, fields[at], value);
        WriteLinks(json, element.Links);
        if (element.Href is not null) json.WriteString("href", element.Href);
        if (element.Id is not null) json.WriteString("id", element.Id);
        json.WriteEndObject();
    }

    private static void WriteLinks(Utf8JsonWriter json, IReadOnlyList<Link> links)
    {
        if (links.Count == 0) return;
        json.WriteStartArray("link");
        foreach (var link in links)
        {
            json.WriteStartObject();
            json.WriteString("href", link.Href);
            json.WriteString("rel", link.Rel);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteField(Utf8JsonWriter json, Field field, object value)
    {
        json.WritePropertyName(field.Name);
        switch (value)
        {
            case Element one:
                WriteElement(json, one);
                break;
            case IReadOnlyList<Element> many:
                WriteMany(json, field.Child.Name, many);
                break;
            case IReadOnlyList<string> words:
                json.WriteStartObject();
                if (words.Count > 0)
                {
                    json.WriteStartArray(field.Item);
                    foreach (var word in words) json.WriteStringValue(word);
                    json.WriteEndArray();
                }

                json.WriteEndObject();
                break;
            case DateTimeOffset date:
                json.WriteNumberValue(date.ToUnixTimeMilliseconds());
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case long whole:
                json.WriteStringValue(whole.ToString(CultureInfo.InvariantCulture));
                break;
            case bool flag:
                json.WriteStringValue(flag ? "true" : "false");
                break;
            default:
                json.WriteStringValue((string)value);
                break;
        }
    }

    private static void WriteMany(Utf8JsonWriter json, string singular, IReadOnlyList<Element> elements)
    {
        json.WriteStartObject();
        if (elements.Count > 0)
        {
            json.WriteStartArray(singular);
            foreach (var element in elements) WriteElement(json, element);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static Element ReadElement(JsonElement json, Shape shape, string name)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new FaultException(400, "Invalid value", $"{name} is {Kind(json)}, which is not an object");
        var element = new Element(shape);
        foreach (var property in json.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Null) continue;
            if (shape.IndexOf(property.Name) is >= 0 and var at)
                element[at] = ReadField(property.Value, shape.Fields[at], shape.Name);
            else if (property.Name == "id")
                element.Id = ScalarText(property.Value, shape.Name, "id");
            else if (property.Name == "href")
                element.Href = ScalarText(property.Value, shape.Name, "href");
        }

        return element;
    }

    private static object ReadField(JsonElement json, Field field, string owner)
    {
        switch (field.Kind)
        {
            case FieldKind.One:
                return ReadElement(json, field.Child, field.Name);
            case FieldKind.Many:
                var inner = field.Child;
                return Items(json, inner.Name, owner, field.Name)
                    .Select(item => ReadElement(item, inner, inner.Name)).ToList();
            case FieldKind.Words:
                return Items(json, field.Item, owner, field.Name)
                    .Select(item => Scalars.Choice(field, owner, ScalarText(item, owner, field.Item))).ToList();
            default:
                return Scalars.Read(field, owner, ScalarText(json, owner, field.Name));
        }
    }

    /// <summary>The array inside the object with the singular name; a bare array and a single item will do
    /// too.</summary>
    private static List<JsonElement> Items(JsonElement json, string singular, string owner, string name)
    {
        if (json.ValueKind == JsonValueKind.Object)
        {
            if (!json.TryGetProperty(singular, out json)) return [];
            if (json.ValueKind != JsonValueKind.Array) return [json];
        }

        return json.ValueKind == JsonValueKind.Array
            ? [.. json.EnumerateArray()]
            : throw new FaultException(400, "Invalid value", $"{owner}.{name} is {Kind(json)}, which is not a list");
    }

    private static string ScalarText(JsonElement json, string owner, string name) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString()!,
        JsonValueKind.Number => json.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => throw new FaultException(400, "Invalid value", $"{owner}.{name} is {Kind(json)}, which is not plain text"),
    };

    private static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.Null => "null",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        _ => "a boolean",
    };
}
