using System.Text.RegularExpressions;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Resources;

namespace Orchestrator.Api.Search;

/// <param name="Path">Field path in the document.</param>
/// <param name="Kind">When the field holds the id of another entity: its kind, so that names can be searched
/// for.</param>
public sealed record SearchField(string Path, string? Kind = null);

/// <summary>From search, max and case_sensitive of a call to a query on the read model.</summary>
public static class Searching
{
    private const int DefaultPageSize = 100;

    /// <summary>Lists documents of a kind as the call's parameters ask.</summary>
    public static async Task<IReadOnlyList<TView>> List<TView>(
        ApiCall call, string kind, IReadOnlyDictionary<string, SearchField> fields, Func<TView, string> name,
        string namePath = "config.name")
        where TView : notnull
    {
        var max = call.Parameters.Max;
        if (call.Parameters.Text("search") is not { Length: > 0 } text)
            return await call.List<TView>(new ReadQuery(kind, Max: max));

        var search = SearchQuery.Parse(text);
        var sensitive = call.Parameters.Flag("case_sensitive") == true;
        var equal = new Dictionary<string, string>();
        string? pattern = null;
        foreach (var condition in search.Conditions)
        {
            if (condition.Field is "name" or "alias" && namePath.Length > 0)
            {
                if (pattern is not null) throw SearchQuery.Refused(text, "the name is asked for twice");
                pattern = condition.Value;
                continue;
            }

            if (!fields.TryGetValue(condition.Field, out var field))
                throw SearchQuery.Refused(text, $"'{condition.Field}' cannot be searched by here yet; possible are "
                    + string.Join(", ", fields.Keys.Append("name").Order(StringComparer.Ordinal)));
            if (condition.Value.Contains('*', StringComparison.Ordinal))
                throw SearchQuery.Refused(text, "wildcards are supported in the name only yet");
            var value = await ValueOf(call, field, condition.Value);
            if (value is null) return [];
            if (!equal.TryAdd(field.Path, value))
                throw SearchQuery.Refused(text, $"'{condition.Field}' is asked for twice");
        }

        var pageSize = max ?? (search.Page is null ? null : DefaultPageSize);
        var offset = ((search.Page ?? 1) - 1L) * (pageSize ?? 0);
        if (offset > int.MaxValue) return [];

        // LIKE has no case in the store; a case-sensitive pattern is narrowed here, and paged here too.
        var narrow = sensitive && pattern is not null;
        var found = await call.List<TView>(new ReadQuery(
            kind, equal, pattern is null ? null : Like(pattern), narrow ? null : pageSize,
            narrow ? 0 : (int)offset, search.Descending));
        if (!narrow) return found;
        var exact = new Regex(
            "^" + Regex.Escape(pattern!).Replace("\\*", ".*", StringComparison.Ordinal) + "$",
            RegexOptions.NonBacktracking | RegexOptions.Singleline);
        return found.Where(view => exact.IsMatch(name(view))).Skip((int)offset).Take(pageSize ?? int.MaxValue).ToList();
    }

    /// <summary>oVirt's pattern as LIKE's: "*" any letters; LIKE's own wildcards mean themselves.</summary>
    public static string Like(string pattern) => pattern
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal)
        .Replace("_", "\\_", StringComparison.Ordinal).Replace('*', '%');

    /// <summary>Null when the condition names another entity that does not exist: nothing can match.</summary>
    private static async Task<string?> ValueOf(ApiCall call, SearchField field, string value)
    {
        if (field.Kind is null) return field.Path == "status" ? value.ToLowerInvariant() : value;
        if (Guid.TryParse(value, out var id)) return id.ToString();
        return (await Refs.ByName(call, field.Kind, value))?.ToString();
    }
}
