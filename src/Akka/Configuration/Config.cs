using System.Globalization;
using System.Text;
using Akka.Actor;

namespace Akka.Configuration;

/// <summary>A configuration: values by dotted path, with other configurations below it as fallback.
/// A value of the wrong kind is a <see cref="ConfigurationException"/> that names the path.</summary>
public class Config
{
    private readonly HoconNode.Tree _tree;

    public Config() : this(new HoconNode.Tree()) { }

    internal Config(HoconNode.Tree tree) => _tree = tree;

    public virtual bool IsEmpty => _tree.Keys.Count == 0;

    /// <summary>This configuration over the other one; objects are merged, everything else of ours wins.</summary>
    public virtual Config WithFallback(Config fallback) =>
        ReferenceEquals(fallback, this) ? this : new Config(HoconNode.Merge(fallback._tree, _tree));

    public virtual bool HasPath(string path) => Find(path) is not null;

    public virtual string? GetString(string path, string? @default = null) => Find(path) switch
    {
        null => @default,
        HoconNode.Scalar { IsNull: true } => null,
        HoconNode.Scalar scalar => scalar.Text,
        _ => throw Wrong(path, "a text"),
    };

    public virtual int GetInt(string path, int @default = 0) =>
        Number(path) is { } text ? Read(path, text, "a whole number", (s, out v) =>
            int.TryParse(s, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out v), 0) : @default;

    public virtual long GetLong(string path, long @default = 0) =>
        Number(path) is { } text ? Read(path, text, "a whole number", (s, out v) =>
            long.TryParse(s, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out v), 0L) : @default;

    public virtual double GetDouble(string path, double @default = 0) =>
        Number(path) is { } text ? Read(path, text, "a number", (s, out v) =>
            double.TryParse(s, NumberStyles.Float, CultureInfo.InvariantCulture, out v), 0d) : @default;

    public virtual bool GetBoolean(string path, bool @default = false) => Number(path) switch
    {
        null => @default,
        "on" or "true" or "yes" => true,
        "off" or "false" or "no" => false,
        _ => throw Wrong(path, "on, off, true, false, yes or no"),
    };

    /// <summary>Units: ns, us, ms, s, m, h, d and their long names; a bare number is milliseconds; "infinite" is
    /// <see cref="Timeout.InfiniteTimeSpan"/> unless that is not allowed.</summary>
    public virtual TimeSpan GetTimeSpan(string path, TimeSpan? @default = null, bool allowInfinite = true)
    {
        if (Number(path) is not { } text) return @default ?? TimeSpan.Zero;
        if (text is "infinite" or "off" && allowInfinite) return Timeout.InfiniteTimeSpan;
        var (number, unit) = SplitUnit(path, text, "a duration such as 500ms or 10 s");
        var ticks = unit switch
        {
            "ns" or "nano" or "nanos" or "nanosecond" or "nanoseconds" => number / 100,
            "us" or "micro" or "micros" or "microsecond" or "microseconds" => number * TimeSpan.TicksPerMicrosecond,
            "" or "ms" or "milli" or "millis" or "millisecond" or "milliseconds" => number * TimeSpan.TicksPerMillisecond,
            "s" or "second" or "seconds" => number * TimeSpan.TicksPerSecond,
            "m" or "minute" or "minutes" => number * TimeSpan.TicksPerMinute,
            "h" or "hour" or "hours" => number * TimeSpan.TicksPerHour,
            "d" or "day" or "days" => number * TimeSpan.TicksPerDay,
            _ => throw Wrong(path, "a duration such as 500ms or 10 s"),
        };
        return TimeSpan.FromTicks((long)Math.Round(ticks));
    }

    /// <summary>Units: b, k/kB/K/KiB and so on up to GiB; kB, MB, GB count in thousands, the rest in 1024s.</summary>
    public virtual long? GetByteSize(string path, long? def = null)
    {
        if (Number(path) is not { } text) return def;
        var (number, unit) = SplitUnit(path, text, "a size such as 64KiB");
        var factor = unit switch
        {
            "" or "b" or "B" or "byte" or "bytes" => 1d,
            "kB" or "kilobyte" or "kilobytes" => 1e3,
            "MB" or "megabyte" or "megabytes" => 1e6,
            "GB" or "gigabyte" or "gigabytes" => 1e9,
            "TB" or "terabyte" or "terabytes" => 1e12,
            "k" or "K" or "Ki" or "KiB" or "kibibyte" or "kibibytes" => 1024d,
            "m" or "M" or "Mi" or "MiB" or "mebibyte" or "mebibytes" => 1024d * 1024,
            "g" or "G" or "Gi" or "GiB" or "gibibyte" or "gibibytes" => 1024d * 1024 * 1024,
            "t" or "T" or "Ti" or "TiB" or "tebibyte" or "tebibytes" => 1024d * 1024 * 1024 * 1024,
            _ => throw Wrong(path, "a size such as 64KiB"),
        };
        return (long)(number * factor);
    }

    public virtual IList<string> GetStringList(string path) => GetStringList(path, []);

    public virtual IList<string> GetStringList(string path, string[] defaultPaths) => Find(path) switch
    {
        null => defaultPaths,
        HoconNode.Sequence list =>
            [.. list.Items.Select(item => item is HoconNode.Scalar scalar ? scalar.Text : throw Wrong(path, "a list of texts"))],
        _ => throw Wrong(path, "a list"),
    };

    /// <summary>The configuration below a path; an empty one when nothing is there.</summary>
    public virtual Config GetConfig(string path) => Find(path) switch
    {
        null => new Config(),
        HoconNode.Tree tree => new Config(tree),
        _ => throw Wrong(path, "an object"),
    };

    public override string ToString() => _tree.Render();

    /// <summary>The keys directly below a path, in the order of the text.</summary>
    internal IReadOnlyList<string> Keys(string path) => Find(path) is HoconNode.Tree tree ? tree.Keys : [];

    /// <summary>As GetString for a key that itself holds dots.</summary>
    internal string? Text(string path, string key) =>
        Find(path) is HoconNode.Tree tree && tree.Fields.GetValueOrDefault(key) is HoconNode.Scalar scalar ? scalar.Text : null;

    internal static IEnumerable<string> SplitPath(string path)
    {
        var part = new StringBuilder();
        var quoted = false;
        foreach (var c in path)
        {
            if (c == '"') quoted = !quoted;
            else if (c == '.' && !quoted)
            {
                yield return part.ToString();
                part.Clear();
            }
            else
            {
                part.Append(c);
            }
        }
        yield return part.ToString();
    }

    private static ConfigurationException Wrong(string path, string wanted) => new($"Configuration {path}: {wanted} is expected");

    private delegate bool TryRead<T>(string text, out T value);

    private static T Read<T>(string path, string text, string wanted, TryRead<T> read, T nothing)
    {
        var value = nothing;
        return read(text, out value) ? value : throw new ConfigurationException(
            $"Configuration {path}: {wanted} is expected, not \"{text}\"");
    }

    private static (double Number, string Unit) SplitUnit(string path, string text, string wanted)
    {
        var end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is '.' or '-' or '+')) end++;
        return double.TryParse(text.AsSpan(0, end), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? (number, text[end..].Trim())
            : throw new ConfigurationException($"Configuration {path}: {wanted} is expected, not \"{text}\"");
    }

    private string? Number(string path) => Find(path) switch
    {
        null or HoconNode.Scalar { IsNull: true } => null,
        HoconNode.Scalar scalar => scalar.Text.Trim(),
        _ => throw Wrong(path, "a single value"),
    };

    private HoconNode? Find(string path)
    {
        HoconNode? at = _tree;
        foreach (var key in SplitPath(path)) at = (at as HoconNode.Tree)?.Fields.GetValueOrDefault(key);
        return at;
    }
}
