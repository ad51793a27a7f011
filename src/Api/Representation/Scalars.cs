using System.Globalization;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Representation;

/// <summary>Text of a client → value of a field, and back. The same for XML and JSON.</summary>
internal static class Scalars
{
    /// <summary>xs:dateTime, always with milliseconds and a numeric offset: some clients read no other.</summary>
    private const string DateFormat = "yyyy-MM-dd'T'HH:mm:ss.fffzzz";

    /// <exception cref="FaultException">400: the text is not of the field's kind; the sentence names the
    /// element.</exception>
    public static object Read(Field field, string owner, string text)
    {
        RefuseControlCharacters(field.Name, text);
        var trimmed = text.AsSpan().Trim();
        switch (field.Kind)
        {
            case FieldKind.Text:
                return text;
            case FieldKind.Choice:
                return Choice(field, owner, trimmed.ToString());
            case FieldKind.Integer:
                return int.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var small)
                    ? (long)small
                    : throw Invalid(owner, field.Name, text, "a whole number of 32 bits");
            case FieldKind.Long:
                return long.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var big)
                    ? big
                    : throw Invalid(owner, field.Name, text, "a whole number of 64 bits");
            case FieldKind.Boolean:
                return Flag(trimmed) ?? throw Invalid(owner, field.Name, text, "true or false");
            case FieldKind.Decimal:
                return decimal.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    ? number
                    : throw Invalid(owner, field.Name, text, "a decimal number");
            case FieldKind.Date:
                return Date(owner, field.Name, text);
            default:
                throw Invalid(owner, field.Name, text, "an object");
        }
    }

    public static string Choice(Field field, string owner, string word)
    {
        RefuseControlCharacters(field.Name, word);
        var lower = word.ToLowerInvariant();
        if (field.Choices is null) return word;
        if (field.Choices.Contains(lower)) return lower;
        var allowed = string.Join(", ", field.Choices.Order(StringComparer.Ordinal));
        throw new FaultException(400, "Invalid Enum value",
            $"{owner}.{field.Name} is '{Shorten(word)}', which is not one of {allowed}");
    }

    public static void RefuseControlCharacters(string name, string text)
    {
        foreach (var letter in text)
        {
            if (letter >= ' ' || letter is '\t' or '\n' or '\r') continue;
            throw new FaultException(400, "Invalid value",
                $"{name} contains the control character U+{(int)letter:X4}, which a text must not have");
        }
    }

    public static FaultException Invalid(string owner, string name, string text, string wanted) =>
        new(400, "Invalid value", $"{owner}.{name} is '{Shorten(text)}', which is not {wanted}");

    public static string Xml(Field field, object value) => field.Kind switch
    {
        FieldKind.Date => ((DateTimeOffset)value).ToString(DateFormat, CultureInfo.InvariantCulture),
        FieldKind.Boolean => (bool)value ? "true" : "false",
        FieldKind.Decimal => ((decimal)value).ToString(CultureInfo.InvariantCulture),
        FieldKind.Integer or FieldKind.Long => ((long)value).ToString(CultureInfo.InvariantCulture),
        _ => (string)value,
    };

    private static bool? Flag(ReadOnlySpan<char> text) =>
        text is "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase) ? true
        : text is "0" || text.Equals("false", StringComparison.OrdinalIgnoreCase) ? false
        : null;

    private static DateTimeOffset Date(string owner, string name, string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds is > -62_135_596_800_000 and < 253_402_300_799_999)
            return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        return DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date
            : throw Invalid(owner, name, text, "a date such as 2026-01-31T12:00:00.000+00:00");
    }

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "…";
}
