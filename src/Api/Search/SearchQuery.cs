using System.Globalization;
using System.Text;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Search;

public sealed record Condition(string Field, string Value);

/// <summary>
/// The part of oVirt's search language that is here: conditions "field=value" joined by "and" or a blank, "*" as
/// wildcard, "sortby name [asc|desc]", "page N". What is not here is refused with a sentence that says so: a search
/// that silently found something else would be worse.
/// </summary>
public sealed record SearchQuery(IReadOnlyList<Condition> Conditions, bool Descending, int? Page)
{
    /// <exception cref="FaultException">400.</exception>
    public static SearchQuery Parse(string text)
    {
        var tokens = Tokens(text);
        var conditions = new List<Condition>();
        bool descending = false;
        int? page = null;
        for (var at = 0; at < tokens.Count; at++)
        {
            var token = tokens[at];
            switch (token.ToLowerInvariant())
            {
                case "and":
                    continue;
                case "*" when tokens.Count == 1:
                    continue;
                case "or":
                    throw Refused(text, "'or' is not supported yet; use separate searches");
                case "page":
                    page = at + 1 < tokens.Count
                        && int.TryParse(tokens[++at], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                        && number >= 1
                        ? number
                        : throw Refused(text, "'page' takes a number from 1 on");
                    continue;
                case "sortby":
                    if (at + 1 >= tokens.Count || !tokens[++at].Equals("name", StringComparison.OrdinalIgnoreCase))
                        throw Refused(text, "only 'sortby name' is supported yet");
                    if (at + 1 < tokens.Count && tokens[at + 1].ToLowerInvariant() is "asc" or "desc")
                        descending = tokens[++at].Equals("desc", StringComparison.OrdinalIgnoreCase);
                    continue;
            }

            if (at + 2 >= tokens.Count || tokens[at + 1] != "=")
                throw Refused(text, $"'{token}' is not followed by '=' and a value; only field=value is supported yet");
            conditions.Add(new Condition(token.ToLowerInvariant(), tokens[at + 2]));
            at += 2;
        }

        return new SearchQuery(conditions, descending, page);
    }

    public static FaultException Refused(string text, string why) =>
        new(400, "Operation Failed", $"The search '{text}' cannot be carried out: {why}");

    private static List<string> Tokens(string text)
    {
        var tokens = new List<string>();
        var word = new StringBuilder();
        for (var at = 0; at < text.Length; at++)
        {
            var letter = text[at];
            if (letter is '"' or '\'')
            {
                var end = text.IndexOf(letter, at + 1);
                if (end < 0) throw Refused(text, "a quotation is not closed");
                Flush();
                tokens.Add(text[(at + 1)..end]);
                at = end;
            }
            else if (char.IsWhiteSpace(letter)) Flush();
            else if (letter == '=')
            {
                Flush();
                tokens.Add("=");
            }
            else if (letter is '<' or '>' or '!' or '~')
                throw Refused(text, $"the relation '{letter}' is not supported yet; only '=' is");
            else word.Append(letter);
        }

        Flush();
        return tokens;

        void Flush()
        {
            if (word.Length == 0) return;
            tokens.Add(word.ToString());
            word.Clear();
        }
    }
}
