using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Search;

/// <summary>What a search means for one kind of objects: pure, the moment comes with it.</summary>
public sealed class SearchMeaning
{
    private const decimal MostNumber = 1_000_000_000_000_000m;

    private static readonly string[] _days = ["yyyy-M-d", "M/d/yyyy", "M/d/yy", "d.M.yyyy"];

    private static readonly string[] _moments =
    [
        "yyyy-M-dTH:m:s.FFFFFFFK", "yyyy-M-dTH:mK", "yyyy-M-d H:m:s.FFFFFFFK", "yyyy-M-d H:mK", "M/d/yyyy H:m:s", "M/d/yyyy H:m",
        "M/d/yy H:m:s", "M/d/yy H:m", "d.M.yyyy H:m:s", "d.M.yyyy H:m",
    ];

    private readonly string _text;
    private readonly Vocabulary _words;
    private readonly LetterCase _case;
    private readonly DateTimeOffset _now;
    private SearchToken? _free;

    private SearchMeaning(string text, Vocabulary words, LetterCase letters, DateTimeOffset now) =>
        (_text, _words, _case, _now) = (text, words, letters, now.ToUniversalTime());

    /// <exception cref="FaultException">400: the kind has no such field, or it cannot be compared so.</exception>
    public static (ReadFilter? Only, ReadOrder? Order) Of(SearchQuery query, string kind, LetterCase letters, DateTimeOffset now)
    {
        var meaning = new SearchMeaning(query.Text, Vocabulary.Of(kind), letters, now);
        return (query.Term is { } term ? meaning.Term(term) : null, query.Sort is { } sort ? meaning.Order(sort) : null);
    }

    private ReadFilter Term(SearchTerm term) => term switch
    {
        SearchTerm.Joined { Joint: Joint.And } j => new ReadFilter.Both(Term(j.Left), Term(j.Right)),
        SearchTerm.Joined j => new ReadFilter.Either(Term(j.Left), Term(j.Right)),
        SearchTerm.Free free => Free(free.Value),
        SearchTerm.Condition condition => Condition(condition),
        _ => throw new System.Diagnostics.UnreachableException(term.GetType().Name),
    };

    private ReadFilter Free(SearchToken value)
    {
        if (value.Text == "*") return new ReadFilter.Always();
        if (_free is not null)
            throw Refused(value, $"free text may be searched for once, and '{_free.Text}' is there already; "
                + $"put words that belong together in quotes, or name a field: {_words.Known}");
        _free = value;
        return AnyOf(_words, $"*{value.Text}*");
    }

    /// <summary>Any text of the object is like this.</summary>
    private ReadFilter AnyOf(Vocabulary words, string pattern)
    {
        ReadFilter? any = null;
        foreach (var field in words.FreeText)
        {
            var one = new ReadFilter.Text(field.Of, pattern, _case);
            any = any is null ? one : new ReadFilter.Either(any, one);
        }

        return any ?? new ReadFilter.Not(new ReadFilter.Always());
    }

    private ReadFilter Condition(SearchTerm.Condition condition)
    {
        var name = condition.Field.Text.ToLowerInvariant();
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot >= 0)
        {
            var cross = _words.Cross(name[..dot])
                ?? throw Refused(condition.Field, $"'{name[..dot]}' is not something that {_words.Kind} objects are related to; "
                    + $"known are {_words.KnownCrosses}");
            var target = Vocabulary.Of(cross.Kind);
            var inner = target.Field(name[(dot + 1)..])
                ?? throw Refused(condition.Field, $"'{name[(dot + 1)..]}' is not a field of {cross.Kind} that can be searched by; "
                    + $"known are {target.Known}");
            return ReadFilter.Through(cross.Links, Compare(condition, inner));
        }

        if (_words.Field(name) is { } field) return Compare(condition, field);
        if (_words.Cross(name) is not { } related)
            throw Refused(condition.Field, $"'{name}' is not a field of {_words.Kind} that can be searched by; known are "
                + $"{_words.Known}, and with a field behind a dot {_words.KnownCrosses}");
        var isUnlike = Relation(condition, "=", "!=") == "!=";
        var value = condition.Value.Text;
        ReadFilter like = Guid.TryParseExact(value, "D", out var id) ? new ReadFilter.Ids([id]) : AnyOf(Vocabulary.Of(related.Kind), value);
        var found = ReadFilter.Through(related.Links, like);
        return isUnlike ? new ReadFilter.Not(found) : found;
    }

    private ReadFilter Compare(SearchTerm.Condition condition, SearchField field)
    {
        var (positive, isUnlike) = field.Type switch
        {
            SearchType.Number => Number(condition, field),
            SearchType.Time => Time(condition, field),
            SearchType.Flag => Flag(condition, field),
            _ => Text(condition, field),
        };
        positive = ReadFilter.Through(field.Through, positive);
        return isUnlike ? new ReadFilter.Not(positive) : positive;
    }

    private (ReadFilter, bool) Text(SearchTerm.Condition condition, SearchField field)
    {
        var isUnlike = Relation(condition, "=", "!=") == "!=";
        var value = condition.Value.Text;
        if (field.Type is SearchType.Identity or SearchType.Named && Guid.TryParseExact(value, "D", out var id))
            return (new ReadFilter.Ids([id]), isUnlike);
        if (field.Type == SearchType.Word && !value.Contains('*', StringComparison.Ordinal))
            return (new ReadFilter.Text(field.Of, field.WordFor(value), LetterCase.Obeyed), isUnlike);
        return (new ReadFilter.Text(field.Of, value, field.Type == SearchType.Mark ? LetterCase.Obeyed : _case), isUnlike);
    }

    private (ReadFilter, bool) Number(SearchTerm.Condition condition, SearchField field)
    {
        var relation = Relation(condition, "=", "!=", "<", ">", "<=", ">=");
        if (!decimal.TryParse(condition.Value.Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture, out var number) || Math.Abs(number) > MostNumber)
            throw Refused(condition.Value, $"a number is expected, as {condition.Field.Text} is one");
        var filter = new ReadFilter.Number(field.Of, ComparisonOf(relation), number * field.Unit);
        return (filter, relation == "!=");
    }

    private (ReadFilter, bool) Time(SearchTerm.Condition condition, SearchField field)
    {
        var relation = Relation(condition, "=", "!=", "<", ">", "<=", ">=");
        var (from, until) = Span(condition.Value);
        ReadFilter At(Comparison how, DateTimeOffset than) => new ReadFilter.Time(field.Of, how, than);
        return relation switch
        {
            "<" => (At(Comparison.Less, from), false),
            ">" => (At(Comparison.Greater, from), false),
            "<=" => (At(Comparison.Less, until), false),
            ">=" => (At(Comparison.GreaterOrEqual, from), false),
            _ => (new ReadFilter.Both(At(Comparison.GreaterOrEqual, from), At(Comparison.Less, until)), relation == "!="),
        };
    }

    /// <summary>The day or the second that a value names.</summary>
    private (DateTimeOffset From, DateTimeOffset Until) Span(SearchToken value)
    {
        var today = new DateTimeOffset(_now.Date, TimeSpan.Zero);
        (DateTimeOffset, DateTimeOffset) Day(DateTimeOffset day) => (day, day.AddDays(1));
        var text = value.Text.Trim();
        if (text.Equals("today", StringComparison.OrdinalIgnoreCase)) return Day(today);
        if (text.Equals("yesterday", StringComparison.OrdinalIgnoreCase)) return Day(today.AddDays(-1));
        for (var back = 1; back <= 7; back++)
            if (text.Equals(today.AddDays(-back).DayOfWeek.ToString(), StringComparison.OrdinalIgnoreCase))
                return Day(today.AddDays(-back));
        const DateTimeStyles universal = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (DateTimeOffset.TryParseExact(text, _days, CultureInfo.InvariantCulture, universal, out var day) && day.Year is > 1 and < 9999)
            return Day(day);
        if (DateTimeOffset.TryParseExact(text, _moments, CultureInfo.InvariantCulture, universal, out var moment)
            && moment.Year is > 1 and < 9999)
            return (moment, moment.AddSeconds(1));
        throw Refused(value, "a time is expected: today, yesterday, a day of the last week such as monday, a date such as "
            + "2026-01-31 or 1/31/2026, or one with a time of day in quotes, \"2026-01-31 18:30\", in UTC unless it says otherwise");
    }

    private (ReadFilter, bool) Flag(SearchTerm.Condition condition, SearchField field)
    {
        var relation = Relation(condition, "=", "!=");
        FlagValue? wanted = condition.Value.Text.ToLowerInvariant() switch
        {
            "true" or "yes" or "1" => FlagValue.True,
            "false" or "no" or "0" => FlagValue.False,
            _ => null,
        };
        return wanted is { } flag
            ? (new ReadFilter.Flag(field.Of, flag), relation == "!=")
            : throw Refused(condition.Value, "true or false is expected");
    }

    private ReadOrder Order(SearchSort sort)
    {
        var field = _words.Field(sort.Field.Text.ToLowerInvariant())
            ?? throw Refused(sort.Field, $"'{sort.Field.Text}' is not a field of {_words.Kind} that can be sorted by; known are {_words.Known}");
        return new ReadOrder(field.Of, field.Through, field.Type switch
        {
            SearchType.Number => ReadSort.Number,
            SearchType.Time => ReadSort.Time,
            _ => ReadSort.Text,
        }, sort.Direction);
    }

    private string Relation(SearchTerm.Condition condition, params ImmutableArray<string> possible) =>
        possible.Contains(condition.Relation.Text)
            ? condition.Relation.Text
            : throw Refused(condition.Relation, $"'{condition.Field.Text}' cannot be compared by '{condition.Relation.Text}'; "
                + $"{string.Join(" or ", possible)} is expected");

    private static Comparison ComparisonOf(string relation) => relation switch
    {
        "<" => Comparison.Less,
        ">" => Comparison.Greater,
        "<=" => Comparison.LessOrEqual,
        ">=" => Comparison.GreaterOrEqual,
        _ => Comparison.Equal,
    };

    private FaultException Refused(SearchToken token, string why) => SearchToken.Refused(_text, token.Position, why);
}
