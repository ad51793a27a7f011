using System.Globalization;

namespace Orchestrator.Agent.Transfer;

/// <summary>The ranges of HTTP that clients of images use: one range of bytes.</summary>
internal static class ByteRange
{
    /// <summary>"bytes=5-9", "bytes=5-", "bytes=-5".</summary>
    /// <returns>Null: it lies outside, or there are several.</returns>
    /// <exception cref="FormatException">It is none.</exception>
    public static (long Start, long Length)? Asked(string header, long size)
    {
        if (!header.StartsWith("bytes=", StringComparison.Ordinal)) throw new FormatException($"Invalid Range: {header}");
        var words = header["bytes=".Length..];
        if (words.Contains(',', StringComparison.Ordinal)) return null;
        var dash = words.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0) throw new FormatException($"Invalid Range: {header}");
        var (first, last) = (Number(words[..dash]), Number(words[(dash + 1)..]));
        if (first is not { } start)
        {
            if (last is not { } tail) throw new FormatException($"Invalid Range: {header}");
            start = Math.Max(0, size - tail);
            return tail == 0 || size == 0 ? null : (start, size - start);
        }

        if (last < start) throw new FormatException($"Invalid Range: {header}");
        return start >= size || last >= size ? null : (start, (last ?? size - 1) - start + 1);
    }

    /// <summary>Of "bytes 5-9/*" the 5: the length is that of the content.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static long Offered(string header)
    {
        if (header.StartsWith("bytes ", StringComparison.Ordinal) && header.IndexOf('-', StringComparison.Ordinal) is > 0 and var dash
            && Number(header["bytes ".Length..dash]) is { } start)
            return start;
        throw new FormatException($"Invalid Content-Range: {header}");
    }

    private static long? Number(string text) => text.Length == 0
        ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"'{text}' is not a number of bytes");
}
