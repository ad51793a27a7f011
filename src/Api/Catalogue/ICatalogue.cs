namespace Orchestrator.Api.Catalogue;

/// <summary>Configuration that no entity decides about: networks, tags, profiles. Read from the primary, so that what was
/// written is seen at once on every node (docs/decisions/0031).</summary>
public interface ICatalogue : ICatalogueReading
{
    /// <summary>Reads and writes as one: alone among writers, on the disk when it returns, nothing of it when it
    /// throws.</summary>
    Task<T> Change<T>(Func<ICatalogueWriting, Task<T>> work, CancellationToken cancel);

    /// <summary>An address of one of the ranges that no VM has and that nobody else is given; null when there is none
    /// left.</summary>
    Task<string?> TakeMac(IReadOnlyList<MacRange> ranges, CancellationToken cancel);

    /// <summary>The address was chosen by a client: nobody is given it.</summary>
    Task KeepMac(string mac, CancellationToken cancel);
}

public interface ICatalogueReading
{
    Task<CatalogueItem?> Get(string kind, Guid id, CancellationToken cancel);

    /// <summary>By name (ordinal).</summary>
    /// <param name="parent">Null: of all.</param>
    Task<IReadOnlyList<CatalogueItem>> List(string kind, Guid? parent, CancellationToken cancel);
}

public interface ICatalogueWriting : ICatalogueReading
{
    Task Put(CatalogueItem item, CancellationToken cancel);

    Task Remove(string kind, Guid id, CancellationToken cancel);
}

/// <param name="Parent">What it is part of, within which its name is unique; empty at the top.</param>
/// <param name="Json">The object as the API shows it, without links.</param>
public sealed record CatalogueItem(string Kind, Guid Id, Guid Parent, string Name, string Json);

/// <summary>Addresses as numbers, both ends included.</summary>
public readonly record struct MacRange(long From, long To)
{
    public long Count => To - From + 1;

    public static string Text(long mac) => string.Join(':', Enumerable.Range(0, 6).Select(at => $"{(mac >> (40 - (8 * at))) & 0xff:x2}"));

    /// <summary>Null when the text is not six octets such as 56:6f:00:00:00:01.</summary>
    public static long? Number(string text)
    {
        var octets = text.Split(':');
        if (octets.Length != 6 || !octets.All(octet => octet.Length == 2 && octet.All(char.IsAsciiHexDigit))) return null;
        return octets.Aggregate(0L, (number, octet) => (number << 8) | Convert.ToInt64(octet, 16));
    }
}
