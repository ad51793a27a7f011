using System.Collections.Frozen;

namespace Orchestrator.Api.Representation;

/// <summary>How a field's value looks on the wire; XML and JSON are both written and read from this alone.</summary>
public enum FieldKind
{
    Text,
    /// <summary>One of a closed list of words, lower case.</summary>
    Choice,
    /// <summary>32 bits, signed; a string in JSON.</summary>
    Integer,
    /// <summary>64 bits, signed; a string in JSON.</summary>
    Long,
    /// <summary>A string in JSON.</summary>
    Boolean,
    /// <summary>A number in JSON.</summary>
    Decimal,
    /// <summary>xs:dateTime with offset in XML, epoch milliseconds in JSON.</summary>
    Date,
    /// <summary>A nested object.</summary>
    One,
    /// <summary>A plural element with singular children; in JSON an object with the singular name holding an
    /// array.</summary>
    Many,
    /// <summary>Like <see cref="Many"/>, of plain words.</summary>
    Words,
}

/// <param name="Inner">Shape of <see cref="FieldKind.One"/> and of each child of <see cref="FieldKind.Many"/>.
/// A function, because types refer to each other in circles; null only while they are being made.</param>
/// <param name="Item">Element name of each child of <see cref="FieldKind.Words"/>.</param>
/// <param name="Choices">Words of a <see cref="FieldKind.Choice"/>, or of each of <see cref="FieldKind.Words"/> when
/// they are a closed list too.</param>
public sealed record Field(
    string Name, FieldKind Kind, Func<Shape?>? Inner = null, string Item = "", FrozenSet<string>? Choices = null)
{
    public Shape Child => Inner!()!;

    public static Field Text(string name) => new(name, FieldKind.Text);

    public static Field Integer(string name) => new(name, FieldKind.Integer);

    public static Field Long(string name) => new(name, FieldKind.Long);

    public static Field Boolean(string name) => new(name, FieldKind.Boolean);

    public static Field Decimal(string name) => new(name, FieldKind.Decimal);

    public static Field Date(string name) => new(name, FieldKind.Date);

    public static Field Choice(string name, params string[] words) =>
        new(name, FieldKind.Choice, Choices: words.ToFrozenSet(StringComparer.Ordinal));

    public static Field One(string name, Func<Shape?> inner) => new(name, FieldKind.One, inner);

    public static Field Many(string name, Func<Shape?> inner) => new(name, FieldKind.Many, inner);

    public static Field Words(string name, string item, params string[] words) =>
        new(name, FieldKind.Words, Item: item,
            Choices: words.Length == 0 ? null : words.ToFrozenSet(StringComparer.Ordinal));
}

/// <summary>
/// The description of one type of the API: its element names and its fields in the order in which they are written.
/// Every shape has an id, an href, links and actions besides.
/// </summary>
public sealed class Shape
{
    private readonly FrozenDictionary<string, int> _index;

    public Shape(string name, string plural, params Field[] fields)
    {
        Name = name;
        Plural = plural;
        Fields = fields;
        _index = fields.Select((field, at) => KeyValuePair.Create(field.Name, at))
            .ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Element name of one.</summary>
    public string Name { get; }

    /// <summary>Element name of a list of them.</summary>
    public string Plural { get; }

    public IReadOnlyList<Field> Fields { get; }

    /// <summary>-1 when there is no such field.</summary>
    public int IndexOf(string field) => _index.TryGetValue(field, out var at) ? at : -1;

    public Element New(Guid? id = null, string? href = null) => new(this) { Id = id?.ToString(), Href = href };

    public Element New(string id, string? href) => new(this) { Id = id, Href = href };
}
