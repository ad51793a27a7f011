using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Orchestrator.Tests.Observability;

public sealed record PromSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

public sealed record PromFamily(string Name, string Type, string Help, IReadOnlyList<PromSample> Samples);

/// <summary>Reads Prometheus' text as strictly as the format is written down, and throws at the first line that is not
/// right. Written apart from the writer: it shares nothing with it.</summary>
public static partial class PrometheusReader
{
    private static readonly string[] _types = ["counter", "gauge", "histogram", "summary", "untyped", "info", "unknown"];

    /// <param name="open">OpenMetrics 1.0; else text format 0.0.4.</param>
    public static IReadOnlyDictionary<string, PromFamily> Read(string text, bool open)
    {
        Require(text.EndsWith('\n'), "the text ends within a line");
        Require(!text.Contains('\r', StringComparison.Ordinal), "a carriage return");
        var lines = text[..^1].Split('\n');
        if (open)
        {
            Require(lines[^1] == "# EOF", "it does not end with # EOF");
            lines = lines[..^1];
        }

        Require(!lines.Contains("# EOF"), "# EOF within the text");
        var families = new Dictionary<string, PromFamily>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        PromFamily? present = null;
        var samples = new List<PromSample>();
        foreach (var line in lines)
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                Close(families, present, samples, open);
                var words = line.Split(' ');
                Require(words.Length == 4 && Name().IsMatch(words[2]) && _types.Contains(words[3]), line);
                Require(!families.ContainsKey(words[2]), $"{words[2]} comes twice");
                present = new PromFamily(words[2], words[3], "", []);
                samples = [];
            }
            else if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var rest = line["# HELP ".Length..];
                var space = rest.IndexOf(' ', StringComparison.Ordinal);
                Require(space > 0 && rest[..space] == present?.Name && samples.Count == 0, line);
                present = present! with { Help = Unescape(rest[(space + 1)..], quotes: open) };
            }
            else if (line.StartsWith("# UNIT ", StringComparison.Ordinal))
            {
                var words = line.Split(' ');
                Require(open && words.Length == 4 && words[2] == present?.Name, line);
                Require(words[2].EndsWith("_" + words[3], StringComparison.Ordinal), $"{line}: the name lacks its unit");
            }
            else
            {
                Require(!line.StartsWith('#') && line.Length > 0, $"no such line: '{line}'");
                var sample = Sample(line);
                Require(present is not null && Belongs(sample.Name, present!, open), $"{line} stands under {present?.Name}");
                Require(seen.Add(Key(sample)), $"the same sample twice: {line}");
                samples.Add(sample);
            }
        }

        Close(families, present, samples, open);
        return families;
    }

    public static string Key(PromSample sample) =>
        sample.Name + "{" + string.Join(',', sample.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")) + "}";

    private static void Close(
        Dictionary<string, PromFamily> families, PromFamily? family, List<PromSample> samples, bool open)
    {
        if (family is null) return;
        Require(samples.Count > 0, $"{family.Name} has no sample");
        if (family.Type == "histogram") CheckHistogram(family.Name, samples, open);
        if (family.Type == "counter") Require(samples.All(s => s.Value >= 0), $"{family.Name} is below 0");
        families.Add(family.Name, family with { Samples = samples });
    }

    private static void CheckHistogram(string name, List<PromSample> samples, bool open)
    {
        foreach (var series in samples.GroupBy(s => Key(s with { Name = "", Labels = Without(s.Labels, "le") })))
        {
            var buckets = series.Where(s => s.Name == name + "_bucket").ToList();
            Require(buckets.Count > 0 && buckets[^1].Labels["le"] == "+Inf", $"{name}: the last bucket is not +Inf");
            var bounds = buckets.Select(b => Number(b.Labels["le"])).ToList();
            Require(bounds.SequenceEqual(bounds.Distinct().Order()), $"{name}: bounds are not in order");
            if (open) Require(buckets[..^1].All(b => b.Labels["le"].AsSpan().ContainsAny(".e")), $"{name}: le is no float");
            Require(buckets.Zip(buckets.Skip(1)).All(p => p.First.Value <= p.Second.Value), $"{name}: buckets fall");
            Require(series.Single(s => s.Name == name + "_count").Value == buckets[^1].Value, $"{name}: count is not the last bucket");
            Require(series.Count(s => s.Name == name + "_sum") == 1, $"{name}: no sum");
        }
    }

    private static bool Belongs(string sample, PromFamily family, bool open) => family.Type switch
    {
        "histogram" => sample == family.Name + "_bucket" || sample == family.Name + "_sum" || sample == family.Name + "_count",
        "counter" when open => sample == family.Name + "_total",
        "counter" => sample == family.Name && sample.EndsWith("_total", StringComparison.Ordinal),
        "info" => sample == family.Name + "_info",
        _ => sample == family.Name,
    };

    private static PromSample Sample(string line)
    {
        var at = 0;
        while (at < line.Length && line[at] is not ('{' or ' ')) at++;
        var name = line[..at];
        Require(Name().IsMatch(name), line);
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        if (at < line.Length && line[at] == '{')
        {
            at++;
            while (line[at] != '}')
            {
                var equals = line.IndexOf('=', at);
                var label = line[at..equals];
                Require(Label().IsMatch(label) && line[equals + 1] == '"', line);
                at = equals + 2;
                var value = new StringBuilder();
                for (; line[at] != '"'; at++)
                {
                    value.Append(line[at]);
                    if (line[at] == '\\') value.Append(line[++at]);
                }

                Require(labels.TryAdd(label, Unescape(value.ToString(), quotes: true)), $"label {label} twice: {line}");
                at++;
                if (line[at] == ',') at++;
                else Require(line[at] == '}', line);
            }

            at++;
        }

        Require(at < line.Length && line[at] == ' ' && !line[(at + 1)..].Contains(' ', StringComparison.Ordinal), line);
        return new PromSample(name, labels, Number(line[(at + 1)..]));
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    private static string Unescape(string text, bool quotes)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }

            plain.Append(text[++i] switch
            {
                '\\' => '\\',
                'n' => '\n',
                '"' when quotes => '"',
                var other => throw new FormatException($"\\{other} is no escape: {text}"),
            });
        }

        return plain.ToString();
    }

    private static Dictionary<string, string> Without(IReadOnlyDictionary<string, string> labels, string name) =>
        labels.Where(l => l.Key != name).ToDictionary(l => l.Key, l => l.Value);

    private static void Require(bool holds, string line)
    {
        if (!holds) throw new FormatException(line);
    }

    [GeneratedRegex("^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
    private static partial Regex Name();

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_]*$")]
    private static partial Regex Label();
}
