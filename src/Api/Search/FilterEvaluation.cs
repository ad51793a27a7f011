using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.Search;

/// <summary>A document, as conditions look at it.</summary>
public sealed record SearchRow(string Kind, string Id, string Name, JsonElement Document)
{
    /// <summary>What was seen of the object, or null.</summary>
    public JsonElement? Seen { get; init; }
}

/// <summary>Carries conditions out in memory, to the letter as the database does: for the few things that are not in its
/// tables, and for the tests' doubles.</summary>
/// <param name="others">All objects of a kind.</param>
public sealed class FilterEvaluation(Func<string, IEnumerable<SearchRow>> others)
{
    public bool IsTrue(ReadFilter filter, SearchRow row) => filter switch
    {
        ReadFilter.Always => true,
        ReadFilter.Both both => IsTrue(both.Left, row) && IsTrue(both.Right, row),
        ReadFilter.Either either => IsTrue(either.Left, row) || IsTrue(either.Right, row),
        ReadFilter.Not not => !IsTrue(not.Inner, row),
        ReadFilter.Text text => Text(text.Of, row) is { } found && IsLike(found, text.Pattern, text.Case),
        ReadFilter.Number number => Number(number.Of, row) is { } found && Holds(found.CompareTo(number.Than), number.Relation),
        ReadFilter.Time time => Time(time.Of, row) is { } found && Holds(found.CompareTo(time.Than), time.Relation),
        ReadFilter.Flag flag => Text(flag.Of, row) is "true" == (flag.Is == FlagValue.True),
        ReadFilter.Ids ids => Guid.TryParse(row.Id, out var id) && ids.Of.Contains(id),
        ReadFilter.Related related => Behind(related.Link, row).Any(other => IsTrue(related.Inner, other)),
        _ => throw new UnreachableException(filter.GetType().Name),
    };

    /// <summary>In the order that is asked for, by name where that says nothing.</summary>
    public IEnumerable<SearchRow> Sorted(IEnumerable<SearchRow> rows, ReadOrder order)
    {
        var keyed = rows.Select(row => (Row: row, Key: Key(order, row)));
        var known = keyed.OrderBy(r => r.Key is null);
        var sorted = order.Direction == Direction.Descending
            ? known.ThenByDescending(r => r.Key, _keys) : known.ThenBy(r => r.Key, _keys);
        return sorted.ThenBy(r => r.Row.Name, StringComparer.Ordinal).ThenBy(r => r.Row.Id, StringComparer.Ordinal).Select(r => r.Row);
    }

    /// <summary>Whether a text is like a pattern in which "*" stands for any letters.</summary>
    public static bool IsLike(string text, string pattern, LetterCase letters)
    {
        var (at, wanted, star, mark) = (0, 0, -1, 0);
        while (at < text.Length)
        {
            if (wanted < pattern.Length && pattern[wanted] == '*') (star, mark) = (wanted++, at);
            else if (wanted < pattern.Length && IsSame(text[at], pattern[wanted], letters)) (at, wanted) = (at + 1, wanted + 1);
            else if (star >= 0) (wanted, at) = (star + 1, ++mark);
            else return false;
        }

        while (wanted < pattern.Length && pattern[wanted] == '*') wanted++;
        return wanted == pattern.Length;
    }

    private static readonly Comparer<object?> _keys = Comparer<object?>.Create((a, b) => (a, b) switch
    {
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        (string x, string y) => string.CompareOrdinal(x, y),
        (decimal x, decimal y) => x.CompareTo(y),
        (DateTimeOffset x, DateTimeOffset y) => x.CompareTo(y),
        _ => throw new UnreachableException("keys of one order are of one type"),
    });

    private object? Key(ReadOrder order, SearchRow row)
    {
        IEnumerable<SearchRow> at = [row];
        foreach (var link in order.Through) at = at.SelectMany(r => Behind(link, r));
        return at.Select(r => (object?)(order.Sort switch
        {
            ReadSort.Number => Number(order.Of, r),
            ReadSort.Time => Time(order.Of, r),
            _ => Text(order.Of, r),
        })).Where(key => key is not null).Order(_keys).FirstOrDefault();
    }

    private static bool IsSame(char a, char b, LetterCase letters) =>
        a == b || (letters == LetterCase.Ignored && char.ToUpperInvariant(a) == char.ToUpperInvariant(b));

    private static bool Holds(int compared, Comparison relation) => relation switch
    {
        Comparison.Less => compared < 0,
        Comparison.Greater => compared > 0,
        Comparison.LessOrEqual => compared <= 0,
        Comparison.GreaterOrEqual => compared >= 0,
        _ => compared == 0,
    };

    private IEnumerable<SearchRow> Behind(ReadLink link, SearchRow row) => others(link.Kind).Where(other => link switch
    {
        ReadLink.To to => At(row.Document, to.Path) == other.Id,
        ReadLink.From from => At(other.Document, from.Path) == row.Id,
        ReadLink.Lists lists => Elements(row.Document, lists.Path).Contains(other.Id),
        ReadLink.ListedBy listed => Elements(other.Document, listed.Path).Contains(row.Id),
        _ => throw new UnreachableException(link.GetType().Name),
    });

    private string? Text(ReadValue value, SearchRow row) => value switch
    {
        ReadValue.Id => row.Id,
        ReadValue.Name => row.Name,
        ReadValue.Path path => At(row.Document, path.Steps),
        ReadValue.Seen seen => row.Seen is { } document ? At(document, seen.Steps) : null,
        _ => Number(value, row)?.ToString(CultureInfo.InvariantCulture),
    };

    private decimal? Number(ReadValue value, SearchRow row) => value switch
    {
        ReadValue.Sum sum => sum.Paths.Sum(path => Parsed(At(row.Document, path)) ?? 0),
        ReadValue.Product product => product.Paths.Aggregate(1m, (all, path) => all * (Parsed(At(row.Document, path)) ?? 1)),
        ReadValue.Length length => Elements(row.Document, length.Steps).Length,
        ReadValue.Count count => Behind(count.Link, row).Count(),
        _ => Parsed(Text(value, row)),
    };

    private DateTimeOffset? Time(ReadValue value, SearchRow row) =>
        DateTimeOffset.TryParse(Text(value, row), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    private static decimal? Parsed(string? text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? At(JsonElement document, string path) => Find(document, path) switch
    {
        { ValueKind: JsonValueKind.String } found => found.GetString(),
        { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } or null => null,
        { ValueKind: JsonValueKind.True } => "true",
        { ValueKind: JsonValueKind.False } => "false",
        { } found => found.GetRawText(),
    };

    private static ImmutableArray<string> Elements(JsonElement document, string path) =>
        Find(document, path) is { ValueKind: JsonValueKind.Array } list
            ? [.. list.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : e.GetRawText())]
            : [];

    private static JsonElement? Find(JsonElement document, string path)
    {
        foreach (var step in path.Split('.'))
        {
            if (document.ValueKind != JsonValueKind.Object || !document.TryGetProperty(step, out var next)) return null;
            document = next;
        }

        return document;
    }
}
