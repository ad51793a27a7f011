using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Orchestrator.Api.Http;

/// <summary>
/// Parameters of a call: from the query, else from matrix parameters on the last segment (";max=1"), and for some
/// from headers. A boolean or number that cannot be read is ignored, as clients of oVirt expect.
/// </summary>
public sealed class Parameters
{
    private readonly IQueryCollection _query;
    private readonly Dictionary<string, string>? _matrix;
    private readonly bool _following;

    public Parameters(HttpRequest request, Dictionary<string, string>? matrix)
    {
        _query = request.Query;
        _matrix = matrix;
        Correlation = Clip(Text("correlation_id") ?? Header(request, "Correlation-Id"));
        Filter = Flag("filter") ?? Boolean(Header(request, "Filter")) ?? false;
        AllContent = Flag("all_content") ?? Boolean(Header(request, "All-Content")) ?? false;
        var expect = (Header(request, "Expect") ?? "") + ',' + (Header(request, "X-Ovirt-Expect") ?? "");
        Async = Flag("async") == true || expect.Contains("202-accepted", StringComparison.OrdinalIgnoreCase);
        ExpectCreated = expect.Contains("201-created", StringComparison.OrdinalIgnoreCase);
        Follow = Text("follow");
        LastEvent = long.TryParse(Header(request, "Last-Event-ID"), NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last : null;
    }

    private Parameters(Parameters outer)
    {
        _query = QueryCollection.Empty;
        _following = true;
        Correlation = outer.Correlation;
        Filter = outer.Filter;
        AllContent = outer.AllContent;
    }

    /// <summary>Goes into commands, jobs, events and logs; at most 100 characters, no control characters.</summary>
    public string? Correlation { get; }

    /// <summary>Only what the user's own permissions show.</summary>
    public bool Filter { get; }

    /// <summary>Also what is expensive to find out.</summary>
    public bool AllContent { get; }

    /// <summary>Answer 202 without waiting.</summary>
    public bool Async { get; }

    /// <summary>Wait until what was created is ready and answer 201.</summary>
    public bool ExpectCreated { get; }

    public string? Follow { get; }

    /// <summary>Where a stream of events broke off.</summary>
    public long? LastEvent { get; }

    public int? Max => _following ? null : Number("max") is >= 0 and var max and <= int.MaxValue ? (int)max : null;

    public string? Text(string name) =>
        _query.TryGetValue(name, out var values) ? values.ToString()
        : _matrix is not null && _matrix.TryGetValue(name, out var matrix) ? matrix
        : null;

    /// <summary>True when the parameter is there and empty.</summary>
    public bool? Flag(string name) => Boolean(Text(name));

    public long? Number(string name) =>
        long.TryParse(Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    /// <summary>Parameters for the calls behind a followed link: max, search and follow do not reach them.</summary>
    public Parameters ForFollow() => new(this);

    /// <summary>Cuts ";name=value" off the end of a path.</summary>
    public static string SplitMatrix(string path, out Dictionary<string, string>? matrix)
    {
        matrix = null;
        var at = path.IndexOf(';', StringComparison.Ordinal);
        if (at < 0) return path;
        matrix = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in path[(at + 1)..].Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) matrix[part] = "";
            else matrix[part[..equals]] = part[(equals + 1)..];
        }

        return path[..at];
    }

    private static bool? Boolean(string? text) => text?.ToLowerInvariant() switch
    {
        "" or "true" or "t" or "yes" or "y" or "1" => true,
        "false" or "f" or "no" or "n" or "0" => false,
        _ => null,
    };

    private static string? Header(HttpRequest request, string name) =>
        request.Headers.TryGetValue(name, out var values) ? values.ToString() : null;

    private static string? Clip(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (text.Any(char.IsControl))
            throw FaultException.Bad("The correlation_id contains a control character; use letters, digits, - and _");
        return text.Length <= 100 ? text : text[..100];
    }
}
