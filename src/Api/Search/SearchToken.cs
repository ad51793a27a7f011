using System.Text;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Search;

public enum TokenKind { Word, Quoted, Relation }

/// <param name="Position">Of its first letter, from 1.</param>
public sealed record SearchToken(TokenKind Kind, string Text, int Position)
{
    private const int MostShown = 200;

    public bool Is(string keyword) => Kind == TokenKind.Word && Text.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="FaultException">400.</exception>
    public static List<SearchToken> Of(string text)
    {
        var tokens = new List<SearchToken>();
        for (var at = 0; at < text.Length;)
        {
            var letter = text[at];
            if (char.IsWhiteSpace(letter)) at++;
            else if (letter is '"' or '\'') at = Quoted(text, at, tokens);
            else if (IsRelation(text, at)) at = Relation(text, at, tokens);
            else if (letter is '(' or ')')
                throw Refused(text, at + 1, "there are no parentheses; conditions are joined from left to right");
            else at = Word(text, at, tokens);
        }

        return tokens;
    }

    /// <param name="position">From 1; null: the whole of it.</param>
    public static FaultException Refused(string text, int? position, string why)
    {
        var shown = text.Length <= MostShown ? text : text[..MostShown] + "…";
        var seen = new StringBuilder(shown.Length);
        foreach (var letter in shown) seen.Append(char.IsControl(letter) || char.IsSurrogate(letter) ? '?' : letter);
        return FaultException.Bad($"The search '{seen}' cannot be carried out"
            + (position is { } at ? $" at position {at}: " : ": ") + why);
    }

    private static bool IsRelation(string text, int at) =>
        text[at] is '=' or '<' or '>' || (text[at] == '!' && at + 1 < text.Length && text[at + 1] == '=');

    private static int Quoted(string text, int at, List<SearchToken> tokens)
    {
        var end = text.IndexOf(text[at], at + 1);
        if (end < 0) throw Refused(text, at + 1, "a quotation begins here and is not closed");
        tokens.Add(new SearchToken(TokenKind.Quoted, Checked(text, at + 1, end), at + 1));
        return end + 1;
    }

    private static int Relation(string text, int at, List<SearchToken> tokens)
    {
        var length = text[at] is '!' || (text[at] is '<' or '>' && at + 1 < text.Length && text[at + 1] == '=') ? 2 : 1;
        tokens.Add(new SearchToken(TokenKind.Relation, text.Substring(at, length), at + 1));
        return at + length;
    }

    private static int Word(string text, int at, List<SearchToken> tokens)
    {
        var end = at;
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && !IsRelation(text, end)) end++;
        tokens.Add(new SearchToken(TokenKind.Word, Checked(text, at, end), at + 1));
        return end;
    }

    /// <summary>What no object is called anyway, and what the database does not take as text.</summary>
    private static string Checked(string text, int from, int to)
    {
        for (var at = from; at < to; at++)
        {
            if (char.IsControl(text[at])) throw Refused(text, at + 1, "there is a control character here");
            if (!char.IsSurrogate(text[at])) continue;
            if (at + 1 >= to || !char.IsSurrogatePair(text[at], text[at + 1]))
                throw Refused(text, at + 1, "there is half a character here");
            at++;
        }

        return text[from..to];
    }
}
