using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Search;

/// <summary>From search, max and case_sensitive of a call to a query on the read model.</summary>
public static class Searching
{
    private const int DefaultPageSize = 100;

    /// <summary>Lists documents of a kind as the call's parameters ask.</summary>
    public static Task<IReadOnlyList<TView>> List<TView>(ApiCall call, string kind) where TView : notnull =>
        call.List<TView>(Query(call, kind));

    /// <exception cref="FaultException">400: the search cannot be understood.</exception>
    public static ReadQuery Query(ApiCall call, string kind)
    {
        var asked = Of(call, kind);
        return new ReadQuery(kind, Max: asked.Max, Offset: asked.Offset) { Only = asked.Only, Order = asked.Order };
    }

    /// <inheritdoc cref="Query"/>
    public static AuditQuery Events(ApiCall call)
    {
        var asked = Of(call, Kinds.Event);
        return new AuditQuery(call.Parameters.Number("from"), asked.Max, asked.Offset) { Only = asked.Only, Order = asked.Order };
    }

    /// <summary>The same for what is in memory and small.</summary>
    public static IEnumerable<SearchRow> Pick(ApiCall call, string kind, IEnumerable<SearchRow> rows)
    {
        var asked = Of(call, kind);
        var evaluation = new FilterEvaluation(_ => []);
        var found = asked.Only is { } only ? rows.Where(row => evaluation.IsTrue(only, row)) : rows;
        if (asked.Order is { } order) found = evaluation.Sorted(found, order);
        return found.Skip(asked.Offset).Take(asked.Max ?? int.MaxValue);
    }

    private static (ReadFilter? Only, ReadOrder? Order, int? Max, int Offset) Of(ApiCall call, string kind)
    {
        var max = call.Parameters.Max;
        if (call.Parameters.Text("search") is not { Length: > 0 } text) return (null, null, max, 0);
        var search = SearchQuery.Parse(text);
        var letters = call.Parameters.Flag("case_sensitive") == true ? LetterCase.Obeyed : LetterCase.Ignored;
        var (only, order) = SearchMeaning.Of(search, kind, letters, call.World.Clock.GetUtcNow());
        var pageSize = max ?? (search.Page is null ? null : DefaultPageSize);
        var offset = ((search.Page ?? 1) - 1L) * (pageSize ?? 0);
        return offset > int.MaxValue ? (only, order, 0, 0) : (only, order, pageSize, (int)offset);
    }
}
