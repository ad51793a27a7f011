using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.ReadModel;

/// <summary>
/// Conditions as SQL over the read model. All that a client wrote goes into parameters; kinds and paths are the engine's
/// own and are looked at all the same before they become text.
/// </summary>
public sealed partial class FilterSql(List<object> values)
{
    private readonly StringBuilder _sql = new();
    private int _tables;

    public override string ToString() => _sql.ToString();

    /// <summary>The rows' table, under the name that the conditions know.</summary>
    public static string From(string kind) => $"{Table(kind)} t0";

    public FilterSql And(string kind, ReadFilter? filter)
    {
        if (filter is null) return this;
        _sql.Append(" AND ");
        Write(filter, new Row(kind, 0));
        return this;
    }

    /// <param name="tail">What decides between equals.</param>
    public FilterSql OrderBy(string kind, ReadOrder order, string tail)
    {
        _sql.Append(" ORDER BY ");
        var (cast, collation) = order.Sort switch
        {
            ReadSort.Number => ("::numeric", ""),
            ReadSort.Time => ("::timestamptz", ""),
            _ => ("", " COLLATE \"C\""),
        };
        var row = new Row(kind, 0);
        if (order.Through.IsEmpty) _sql.Append('(').Append(Value(order.Of, row)).Append(')').Append(cast).Append(collation);
        else
        {
            var (from, where, last) = ("", "", row);
            foreach (var link in order.Through)
            {
                var next = new Row(link.Kind, ++_tables);
                from += $"{(from.Length == 0 ? "" : ", ")}{Table(link.Kind)} t{next.Number}";
                where += $"{(where.Length == 0 ? "" : " AND ")}{Only(next)}{Join(link, last, next)}";
                last = next;
            }

            _sql.Append(CultureInfo.InvariantCulture, $"(SELECT min(({Value(order.Of, last)}){cast}{collation}) FROM {from} WHERE {where})");
        }

        _sql.Append(order.Direction == Direction.Descending ? " DESC" : " ASC").Append(" NULLS LAST, ").Append(tail);
        return this;
    }

    private readonly record struct Row(string Kind, int Number)
    {
        public bool IsEvent => Kind == Kinds.Event;

        public string Document => $"t{Number}.{(IsEvent ? "line" : "doc")}";
    }

    private void Write(ReadFilter filter, Row row)
    {
        switch (filter)
        {
            case ReadFilter.Always:
                _sql.Append("true");
                break;
            case ReadFilter.Both both:
                Pair(both.Left, " AND ", both.Right, row);
                break;
            case ReadFilter.Either either:
                Pair(either.Left, " OR ", either.Right, row);
                break;
            case ReadFilter.Not not:
                _sql.Append("NOT ");
                Write(not.Inner, row);
                break;
            case ReadFilter.Text text:
                Text(text, row);
                break;
            case ReadFilter.Number number:
                _sql.Append(CultureInfo.InvariantCulture,
                    $"coalesce(({Value(number.Of, row)})::numeric {Sign(number.Relation)} {Given(number.Than)}, false)");
                break;
            case ReadFilter.Time time:
                _sql.Append(CultureInfo.InvariantCulture,
                    $"coalesce(({Value(time.Of, row)})::timestamptz {Sign(time.Relation)} {Given(time.Than.ToUniversalTime())}, false)");
                break;
            case ReadFilter.Flag flag:
                _sql.Append(CultureInfo.InvariantCulture,
                    $"coalesce(({Value(flag.Of, row)})::boolean, false) = {(flag.Is == FlagValue.True ? "true" : "false")}");
                break;
            case ReadFilter.Ids ids:
                _sql.Append(CultureInfo.InvariantCulture, $"t{row.Number}.id = ANY({Given(ids.Of.ToArray())})");
                break;
            case ReadFilter.Related related:
                var other = new Row(related.Link.Kind, ++_tables);
                _sql.Append(CultureInfo.InvariantCulture,
                    $"EXISTS (SELECT 1 FROM {Table(other.Kind)} t{other.Number} WHERE {Only(other)}{Join(related.Link, row, other)} AND ");
                Write(related.Inner, other);
                _sql.Append(')');
                break;
            default:
                throw new UnreachableException(filter.GetType().Name);
        }
    }

    private void Pair(ReadFilter left, string joint, ReadFilter right, Row row)
    {
        _sql.Append('(');
        Write(left, row);
        _sql.Append(joint);
        Write(right, row);
        _sql.Append(')');
    }

    private void Text(ReadFilter.Text text, Row row)
    {
        var isExact = text.Case == LetterCase.Obeyed && !text.Pattern.Contains('*', StringComparison.Ordinal);
        var relation = isExact ? "=" : text.Case == LetterCase.Obeyed ? "LIKE" : "ILIKE";
        _sql.Append(CultureInfo.InvariantCulture,
            $"coalesce({Value(text.Of, row)} {relation} {Given(isExact ? text.Pattern : Like(text.Pattern))}, false)");
    }

    /// <summary>LIKE's own wildcards mean themselves.</summary>
    private static string Like(string pattern) => pattern
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal)
        .Replace("_", "\\_", StringComparison.Ordinal).Replace('*', '%');

    private string Value(ReadValue value, Row row) => value switch
    {
        ReadValue.Id => $"t{row.Number}.id::text",
        ReadValue.Name => row.IsEvent ? "''" : $"t{row.Number}.name",
        ReadValue.Path path => row.IsEvent && path.Steps == "correlation" ? $"t{row.Number}.correlation" : AsText(row.Document, path.Steps),
        ReadValue.Sum sum => string.Join(" + ", sum.Paths.Select(path => $"coalesce(({AsText(row.Document, path)})::numeric, 0)")),
        ReadValue.Product product => string.Join(" * ", product.Paths.Select(path => $"coalesce(({AsText(row.Document, path)})::numeric, 1)")),
        ReadValue.Length length => $"coalesce(jsonb_array_length({AsJson(row.Document, length.Steps)}), 0)",
        ReadValue.Count count => Count(count.Link, row),
        ReadValue.Seen seen => $"(SELECT {AsText("o.doc", seen.Steps)} FROM read.observed o WHERE o.kind = '{Word(row.Kind)}' AND o.id = t{row.Number}.id "
            + "AND o.at > now() - interval '3 minutes')",
        _ => throw new UnreachableException(value.GetType().Name),
    };

    private string Count(ReadLink link, Row row)
    {
        var other = new Row(link.Kind, ++_tables);
        return $"(SELECT count(*) FROM {Table(other.Kind)} t{other.Number} WHERE {Only(other)}{Join(link, row, other)})";
    }

    private static string Join(ReadLink link, Row row, Row other) => link switch
    {
        ReadLink.To to => $"t{other.Number}.id = ({AsText(row.Document, to.Path)})::uuid",
        ReadLink.From from => $"{AsText(other.Document, from.Path)} = t{row.Number}.id::text",
        ReadLink.Lists lists => $"jsonb_exists({AsJson(row.Document, lists.Path)}, t{other.Number}.id::text)",
        ReadLink.ListedBy listed => $"jsonb_exists({AsJson(other.Document, listed.Path)}, t{row.Number}.id::text)",
        _ => throw new UnreachableException(link.GetType().Name),
    };

    private static string Table(string kind) => kind == Kinds.Event ? "events.audit_log" : "read.objects";

    /// <summary>Which rows of its table are of the kind.</summary>
    private static string Only(Row row) => row.IsEvent ? $"NOT t{row.Number}.deleted AND " : $"t{row.Number}.kind = '{Word(row.Kind)}' AND ";

    private static string AsText(string document, string path) => path.Contains('.', StringComparison.Ordinal)
        ? $"{document}#>>'{{{Word(path).Replace('.', ',')}}}'"
        : $"{document}->>'{Word(path)}'";

    private static string AsJson(string document, string path) => $"{document}#>'{{{Word(path).Replace('.', ',')}}}'";

    private string Given(object value)
    {
        values.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
    }

    private static string Sign(Comparison relation) => relation switch
    {
        Comparison.Less => "<",
        Comparison.Greater => ">",
        Comparison.LessOrEqual => "<=",
        Comparison.GreaterOrEqual => ">=",
        _ => "=",
    };

    private static string Word(string ours) =>
        Ours().IsMatch(ours) ? ours : throw new UnreachableException($"'{ours}' is no kind and no path of ours");

    [GeneratedRegex(@"\A[A-Za-z0-9]+(\.[A-Za-z0-9]+)*\z")]
    private static partial Regex Ours();
}
