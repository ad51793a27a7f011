using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Orchestrator.Api.Http;

public enum Form { Xml, Json }

/// <summary>Which of the two forms a client wants to read, and which it sent.</summary>
public static class Forms
{
    public static string ContentType(Form form) =>
        form == Form.Json ? "application/json; charset=utf-8" : "application/xml; charset=utf-8";

    /// <summary>The form by ?accept=, else by the Accept header; XML when neither says anything.</summary>
    /// <exception cref="FaultException">406.</exception>
    public static Form Wanted(HttpRequest request)
    {
        if (request.Query.TryGetValue("accept", out var asked))
            return OfType(asked.ToString()) ?? throw NotHere(asked.ToString());
        var header = request.Headers.Accept.ToString();
        if (header.Length == 0) return Form.Xml;
        if (!header.Contains(',', StringComparison.Ordinal) && OfType(header) is { } single) return single;
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var types)) throw NotHere(header);
        foreach (var type in types.OrderByDescending(type => type.Quality ?? 1))
        {
            if (type.Quality == 0) continue;
            if (OfType(type.MediaType.ToString()) is { } form) return form;
            if (type.MatchesAllTypes || type.MediaType.Value is "application/*") return Form.Xml;
        }

        throw NotHere(header);
    }

    /// <summary>A file for virt-viewer, which one resource has.</summary>
    public static bool WantsViewer(HttpRequest request) =>
        request.Headers.Accept.ToString().Equals("application/x-virt-viewer", StringComparison.OrdinalIgnoreCase);

    /// <summary>A stream of events, which one resource has.</summary>
    public static bool WantsEvents(HttpRequest request) =>
        OfText(request.Headers.Accept.ToString()).Equals("text/event-stream", StringComparison.OrdinalIgnoreCase);

    /// <summary>For faults: whatever can be made of the request, XML otherwise.</summary>
    public static Form WantedOrXml(HttpRequest request)
    {
        try
        {
            return Wanted(request);
        }
        catch (FaultException)
        {
            return Form.Xml;
        }
    }

    /// <exception cref="FaultException">415.</exception>
    public static Form Sent(HttpRequest request)
    {
        var type = request.ContentType ?? "";
        return OfType(type) ?? throw new FaultException(415, "Unsupported Media Type",
            $"The body's Content-Type is '{type}'; send application/xml or application/json");
    }

    /// <summary>A media type without its parameters.</summary>
    private static string OfText(string text)
    {
        var end = text.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? text : text[..end]).Trim();
    }

    private static Form? OfType(string text)
    {
        var type = OfText(text);
        return type.Equals("application/xml", StringComparison.OrdinalIgnoreCase)
            || type.Equals("text/xml", StringComparison.OrdinalIgnoreCase) ? Form.Xml
            : type.Equals("application/json", StringComparison.OrdinalIgnoreCase) ? Form.Json
            : null;
    }

    private static FaultException NotHere(string asked) => new(406, "Not Acceptable",
        $"'{asked}' cannot be answered with; ask for application/xml or application/json");
}
