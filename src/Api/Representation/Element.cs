using System.Collections.Immutable;
using System.Diagnostics;

namespace Orchestrator.Api.Representation;

public readonly record struct Link(string Rel, string Href);

/// <summary>
/// One object on its way in or out, independent of XML and JSON: the values of a <see cref="Shape"/>.
/// What a client did not send is null. A field that the shape does not have is a mistake of ours and throws.
/// </summary>
public sealed class Element(Shape shape)
{
    private readonly object?[] _values = new object?[shape.Fields.Count];
    private List<Link>? _links;
    private List<Link>? _actions;

    public Shape Shape { get; } = shape;

    public string? Id { get; set; }

    public string? Href { get; set; }

    public IReadOnlyList<Link> Links => _links ?? (IReadOnlyList<Link>)[];

    public IReadOnlyList<Link> Actions => _actions ?? (IReadOnlyList<Link>)[];

    internal object? this[int at]
    {
        get => _values[at];
        set => _values[at] = value;
    }

    public bool Has(string field) => _values[At(field)] is not null;

    public string? Text(string field) => (string?)_values[At(field)];

    public long? Number(string field) => (long?)_values[At(field)];

    /// <summary>A field of kind Integer: its reader let nothing through that 32 bits cannot hold.</summary>
    public int? Integer(string field) => (int?)(long?)_values[At(field)];

    public bool? Flag(string field) => (bool?)_values[At(field)];

    public Element? One(string field) => (Element?)_values[At(field)];

    /// <summary>Null when the client sent no such list, which is not the same as an empty one.</summary>
    public IReadOnlyList<Element>? Many(string field) => (IReadOnlyList<Element>?)_values[At(field)];

    public IReadOnlyList<string>? Words(string field) => (IReadOnlyList<string>?)_values[At(field)];

    public Element With(string field, string? value) => Put(field, value);

    public Element With(string field, long? value) => Put(field, value);

    public Element With(string field, bool? value) => Put(field, value);

    public Element With(string field, decimal? value) => Put(field, value);

    public Element With(string field, DateTimeOffset? value) => Put(field, value);

    public Element With(string field, Element? value) => Put(field, value);

    public Element With(string field, IReadOnlyList<Element>? value) => Put(field, value);

    public Element With(string field, IEnumerable<string>? value) => Put(field, value?.ToImmutableArray());

    public Element WithLink(string rel, string href)
    {
        (_links ??= []).Add(new Link(rel, href));
        return this;
    }

    public Element WithAction(string name, string href)
    {
        (_actions ??= []).Add(new Link(name, href));
        return this;
    }

    internal void RemoveLink(string rel) => _links?.RemoveAll(link => link.Rel == rel);

    private Element Put(string field, object? value)
    {
        _values[At(field)] = value is ImmutableArray<string> words ? (IReadOnlyList<string>)words : value;
        return this;
    }

    private int At(string field) => Shape.IndexOf(field) is >= 0 and var at
        ? at
        : throw new UnreachableException($"The type {Shape.Name} has no field {field}");
}
