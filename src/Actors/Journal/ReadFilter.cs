using System.Collections.Immutable;

namespace Orchestrator.Actors.Journal;

/// <summary>
/// A condition on documents of one kind, as data: the database and the tests' doubles carry out the same one. It is true
/// or false of every document; what a document does not have is like nothing, and less and greater than nothing.
/// </summary>
public abstract record ReadFilter
{
    private ReadFilter()
    {
    }

    public sealed record Always : ReadFilter;

    public sealed record Both(ReadFilter Left, ReadFilter Right) : ReadFilter;

    public sealed record Either(ReadFilter Left, ReadFilter Right) : ReadFilter;

    public sealed record Not(ReadFilter Inner) : ReadFilter;

    /// <param name="Pattern">"*" stands for any letters, also none.</param>
    public sealed record Text(ReadValue Of, string Pattern, LetterCase Case) : ReadFilter;

    public sealed record Number(ReadValue Of, Comparison Relation, decimal Than) : ReadFilter;

    public sealed record Time(ReadValue Of, Comparison Relation, DateTimeOffset Than) : ReadFilter;

    public sealed record Flag(ReadValue Of, FlagValue Is) : ReadFilter;

    /// <summary>One of these objects.</summary>
    public sealed record Ids(ImmutableArray<Guid> Of) : ReadFilter;

    /// <summary>There is an object behind the link of which the inner condition is true.</summary>
    public sealed record Related(ReadLink Link, ReadFilter Inner) : ReadFilter;

    /// <summary>Objects behind a chain of links.</summary>
    public static ReadFilter Through(ImmutableArray<ReadLink> links, ReadFilter inner)
    {
        for (var at = links.Length - 1; at >= 0; at--) inner = new Related(links[at], inner);
        return inner;
    }
}

public enum LetterCase { Ignored, Obeyed }

public enum FlagValue { False, True }

public enum Comparison { Equal, Less, Greater, LessOrEqual, GreaterOrEqual }

/// <summary>What a condition looks at in a document. Paths are dotted names of the view's properties in camelCase.</summary>
public abstract record ReadValue
{
    private ReadValue()
    {
    }

    public sealed record Id : ReadValue;

    public sealed record Name : ReadValue;

    public sealed record Path(string Steps) : ReadValue;

    public sealed record Sum(ImmutableArray<string> Paths) : ReadValue;

    public sealed record Product(ImmutableArray<string> Paths) : ReadValue;

    /// <summary>How many elements the list there has.</summary>
    public sealed record Length(string Steps) : ReadValue;

    /// <summary>How many objects are behind the link.</summary>
    public sealed record Count(ReadLink Link) : ReadValue;

    /// <summary>What was seen of the object in the last minutes.</summary>
    public sealed record Seen(string Steps) : ReadValue;
}

/// <summary>From an object to others of a kind.</summary>
public abstract record ReadLink(string Kind)
{
    /// <summary>This one has the other's id there.</summary>
    public sealed record To(string Kind, string Path) : ReadLink(Kind);

    /// <summary>The other has this one's id there.</summary>
    public sealed record From(string Kind, string Path) : ReadLink(Kind);

    /// <summary>This one's list there has the other's id.</summary>
    public sealed record Lists(string Kind, string Path) : ReadLink(Kind);

    /// <summary>The other's list there has this one's id.</summary>
    public sealed record ListedBy(string Kind, string Path) : ReadLink(Kind);
}

public enum ReadSort { Text, Number, Time }

public enum Direction { Ascending, Descending }

/// <summary>Order of a list; what has no such value comes last, and the name decides between equals.</summary>
/// <param name="Through">The value is of the object behind these.</param>
public sealed record ReadOrder(ReadValue Of, ImmutableArray<ReadLink> Through, ReadSort Sort, Direction Direction);
