using System.Globalization;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Search;

public enum Joint { And, Or }

/// <summary>A search as it is written; what its words mean, <see cref="Vocabulary"/> knows.</summary>
public abstract record SearchTerm
{
    private SearchTerm()
    {
    }

    /// <summary>From left to right, neither before the other: "a or b and c" is (a or b) and c.</summary>
    public sealed record Joined(SearchTerm Left, Joint Joint, SearchTerm Right) : SearchTerm;

    /// <param name="Field">"name", or "host.name" of a related object.</param>
    public sealed record Condition(SearchToken Field, SearchToken Relation, SearchToken Value) : SearchTerm;

    /// <summary>Any text of the object has this in it.</summary>
    public sealed record Free(SearchToken Value) : SearchTerm;
}

public sealed record SearchSort(SearchToken Field, Direction Direction);

/// <summary>
/// oVirt's search language: conditions "field relation value" and one free text, joined by "and", "or" or a blank (which
/// means and), then "sortby field [asc|desc]" and "page N". What cannot be understood is refused with its position.
/// </summary>
/// <param name="Term">Null: everything.</param>
public sealed record SearchQuery(string Text, SearchTerm? Term, SearchSort? Sort, int? Page)
{
    private const int MostTerms = 100;

    /// <exception cref="FaultException">400.</exception>
    public static SearchQuery Parse(string text) => new Reader(text, SearchToken.Of(text)).Query();

    private sealed class Reader(string text, List<SearchToken> tokens)
    {
        private int _at;
        private int _terms;

        public SearchQuery Query()
        {
            SearchTerm? term = null;
            while (Peek() is { } token && !token.Is("sortby") && !token.Is("page"))
            {
                var joint = Joint.And;
                if (token.Is("and") || token.Is("or"))
                {
                    if (term is null) throw Refused(token, $"'{token.Text}' joins two conditions; a condition must be before it");
                    joint = token.Is("or") ? Joint.Or : Joint.And;
                    _at++;
                }

                var right = Term(token);
                term = term is null ? right : new SearchTerm.Joined(term, joint, right);
            }

            SearchSort? sort = null;
            int? page = null;
            while (Peek() is { } token)
            {
                _at++;
                if (token.Is("sortby") && sort is null) sort = Sort(token);
                else if (token.Is("page") && page is null) page = Page(token);
                else throw Refused(token, "after 'sortby' and 'page' the search ends; put conditions before them");
            }

            return new SearchQuery(text, term, sort, page);
        }

        private SearchTerm Term(SearchToken before)
        {
            var first = Peek();
            if (first is null || first.Is("and") || first.Is("or") || first.Is("sortby") || first.Is("page"))
                throw Refused(first ?? before, $"a condition is expected after '{before.Text}', such as name=web*");
            if (first.Kind == TokenKind.Relation)
                throw Refused(first, $"'{first.Text}' has no field before it; write field{first.Text}value");
            if (++_terms > MostTerms) throw Refused(first, $"there are more than {MostTerms} conditions");
            _at++;
            if (Peek() is not { Kind: TokenKind.Relation } relation) return new SearchTerm.Free(first);
            if (first.Kind == TokenKind.Quoted) throw Refused(first, "a field is expected before the relation, without quotes");
            _at++;
            var value = Peek();
            if (value is null || value.Kind == TokenKind.Relation)
                throw Refused(value ?? relation, $"a value is expected after '{relation.Text}'; put one with blanks or signs in quotes");
            _at++;
            return new SearchTerm.Condition(first, relation, value);
        }

        private SearchSort Sort(SearchToken keyword)
        {
            if (Peek() is not { Kind: TokenKind.Word } field) throw Refused(Peek() ?? keyword, "a field is expected after 'sortby'");
            _at++;
            if (Peek() is not { } word || !(word.Is("asc") || word.Is("desc"))) return new SearchSort(field, Direction.Ascending);
            _at++;
            return new SearchSort(field, word.Is("desc") ? Direction.Descending : Direction.Ascending);
        }

        private int Page(SearchToken keyword)
        {
            var next = Peek();
            if (next is not { Kind: TokenKind.Word }
                || !int.TryParse(next.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
                throw Refused(next ?? keyword, "a number from 1 on is expected after 'page'");
            _at++;
            return number;
        }

        private SearchToken? Peek() => _at < tokens.Count ? tokens[_at] : null;

        private FaultException Refused(SearchToken token, string why) => SearchToken.Refused(text, token.Position, why);
    }
}
