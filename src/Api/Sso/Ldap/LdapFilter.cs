using System.Formats.Asn1;
using System.Globalization;
using System.Text;

namespace Orchestrator.Api.Sso.Ldap;

/// <summary>
/// A search filter. Names that users type become values of its tree, never text that is parsed, so no letter in them has a
/// meaning. Only the operator's own filters are read from text, as RFC 4515 writes them.
/// </summary>
public abstract record LdapFilter
{
    private LdapFilter()
    {
    }

    public sealed record All(IReadOnlyList<LdapFilter> Parts) : LdapFilter;

    public sealed record Any(IReadOnlyList<LdapFilter> Parts) : LdapFilter;

    public sealed record Not(LdapFilter Inner) : LdapFilter;

    public sealed record Equal(string Attribute, ReadOnlyMemory<byte> Value) : LdapFilter
    {
        public Equal(string attribute, string value)
            : this(attribute, Encoding.UTF8.GetBytes(value))
        {
        }
    }

    public sealed record Present(string Attribute) : LdapFilter;

    /// <param name="Pieces">What stands before, between and behind the stars; the first and the last may be empty.</param>
    public sealed record Like(string Attribute, IReadOnlyList<ReadOnlyMemory<byte>> Pieces) : LdapFilter;

    /// <summary>A name in which "*" stands for any letters.</summary>
    public static LdapFilter Matching(string attribute, string pattern)
    {
        var pieces = pattern.Split('*');
        if (pieces.Length == 1) return new Equal(attribute, pattern);
        return pieces.All(piece => piece.Length == 0)
            ? new Present(attribute)
            : new Like(attribute, [.. pieces.Select(piece => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(piece))]);
    }

    /// <exception cref="FormatException">The text is no filter of the kinds &amp; | ! = =* and =a*b.</exception>
    public static LdapFilter Parse(string text)
    {
        var at = 0;
        var filter = ParseOne(text.Trim(), ref at, 0);
        return at == text.Trim().Length ? filter : throw Wrong(text, at);
    }

    public void Write(AsnWriter to)
    {
        switch (this)
        {
            case All all:
                WriteSet(to, 0, all.Parts);
                break;
            case Any any:
                WriteSet(to, 1, any.Parts);
                break;
            case Not not:
                using (to.PushSequence(Tag(2))) not.Inner.Write(to);
                break;
            case Equal equal:
                using (to.PushSequence(Tag(3)))
                {
                    to.WriteOctetString(Encoding.UTF8.GetBytes(equal.Attribute));
                    to.WriteOctetString(equal.Value.Span);
                }

                break;
            case Like like:
                using (to.PushSequence(Tag(4)))
                {
                    to.WriteOctetString(Encoding.UTF8.GetBytes(like.Attribute));
                    using (to.PushSequence())
                        for (var piece = 0; piece < like.Pieces.Count; piece++)
                            if (like.Pieces[piece].Length > 0)
                                to.WriteOctetString(like.Pieces[piece].Span,
                                    new Asn1Tag(TagClass.ContextSpecific, piece == 0 ? 0 : piece == like.Pieces.Count - 1 ? 2 : 1));
                }

                break;
            case Present present:
                to.WriteOctetString(Encoding.UTF8.GetBytes(present.Attribute), new Asn1Tag(TagClass.ContextSpecific, 7));
                break;
        }
    }

    private static Asn1Tag Tag(int number) => new(TagClass.ContextSpecific, number, isConstructed: true);

    private static void WriteSet(AsnWriter to, int number, IReadOnlyList<LdapFilter> parts)
    {
        using var set = to.PushSetOf(Tag(number));
        foreach (var part in parts) part.Write(to);
    }

    private static LdapFilter ParseOne(string text, ref int at, int depth)
    {
        if (depth > 20 || at >= text.Length || text[at] != '(') throw Wrong(text, at);
        at++;
        LdapFilter filter;
        switch (at < text.Length ? text[at] : ')')
        {
            case '&':
                at++;
                filter = new All(ParseList(text, ref at, depth));
                break;
            case '|':
                at++;
                filter = new Any(ParseList(text, ref at, depth));
                break;
            case '!':
                at++;
                filter = new Not(ParseOne(text, ref at, depth + 1));
                break;
            default:
                filter = ParseItem(text, ref at);
                break;
        }

        if (at >= text.Length || text[at] != ')') throw Wrong(text, at);
        at++;
        return filter;
    }

    private static List<LdapFilter> ParseList(string text, ref int at, int depth)
    {
        var parts = new List<LdapFilter>();
        while (at < text.Length && text[at] == '(') parts.Add(ParseOne(text, ref at, depth + 1));
        return parts.Count > 0 ? parts : throw Wrong(text, at);
    }

    private static LdapFilter ParseItem(string text, ref int at)
    {
        var equals = text.IndexOf('=', at);
        var end = text.IndexOf(')', at);
        if (equals <= at || end < equals) throw Wrong(text, at);
        var attribute = text[at..equals].Trim();
        if (!attribute.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or ';' or '.')) throw Wrong(text, at);
        var pieces = text[(equals + 1)..end].Split('*').Select(piece => Unescape(piece, text)).ToList();
        at = end;
        if (pieces.Count == 1) return new Equal(attribute, pieces[0]);
        return pieces.All(piece => piece.Length == 0) ? new Present(attribute) : new Like(attribute, pieces);
    }

    private static ReadOnlyMemory<byte> Unescape(string piece, string text)
    {
        var bytes = new List<byte>();
        for (var at = 0; at < piece.Length; at++)
        {
            if (piece[at] != '\\')
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(piece, at, char.IsHighSurrogate(piece[at]) && at + 1 < piece.Length ? 2 : 1));
                if (char.IsHighSurrogate(piece[at])) at++;
                continue;
            }

            if (at + 2 >= piece.Length
                || !byte.TryParse(piece.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
                throw Wrong(text, at);
            bytes.Add(value);
            at += 2;
        }

        return bytes.ToArray();
    }

    private static FormatException Wrong(string text, int at) =>
        new($"'{text}' is not a filter such as (objectClass=person); look at letter {at + 1}");
}
