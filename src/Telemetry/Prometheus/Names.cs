using System.Globalization;
using System.Text;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>How OpenTelemetry's names, units and attributes become Prometheus' names and labels.</summary>
internal static class Names
{
    /// <summary>The unit as a word at a name's end; empty for {counted things} and for none.</summary>
    public static string Unit(string? unit) => unit switch
    {
        null or "" => "",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "%" => "percent",
        "1" => "ratio",
        _ when unit[0] == '{' => "",
        _ => Word(unit),
    };

    public static string Metric(string name, string unit)
    {
        var word = Word(name);
        if (word.EndsWith("_total", StringComparison.Ordinal)) word = word[..^"_total".Length];
        return unit.Length == 0 || word.EndsWith($"_{unit}", StringComparison.Ordinal) ? word : $"{word}_{unit}";
    }

    /// <summary>name="value" by name, joined by commas. Names that become the same share one label.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in tags)
        {
            var word = Word(name).Replace(':', '_');
            var text = Text(value);
            labels[word] = labels.TryGetValue(word, out var other) ? $"{other};{text}" : text;
        }

        var line = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            if (line.Length > 0) line.Append(',');
            line.Append(name).Append("=\"");
            Escape(line, value);
            line.Append('"');
        }

        return line.ToString();
    }

    /// <summary>A label's value between quotes.</summary>
    public static void Escape(StringBuilder line, string value)
    {
        foreach (var c in value)
        {
            switch (c)
            {
                case '\\': line.Append(@"\\"); break;
                case '"': line.Append("\\\""); break;
                case '\n': line.Append(@"\n"); break;
                default: line.Append(c); break;
            }
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "",
        bool yes => yes ? "true" : "false",
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Word(string name)
    {
        var word = new StringBuilder(name.Length);
        foreach (var c in name)
        {
            var fits = char.IsAsciiLetterOrDigit(c) || c is '_' or ':';
            if (fits) word.Append(c);
            else if (word.Length > 0 && word[^1] != '_') word.Append('_');
        }

        if (word.Length == 0 || char.IsAsciiDigit(word[0])) word.Insert(0, '_');
        return word.ToString();
    }
}
