using System.Globalization;
using System.Text;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>Which of Prometheus' two texts.</summary>
public enum Exposition { Text004, OpenMetrics1 }

/// <summary>Writes what was collected as Prometheus' text, format 0.0.4, or as OpenMetrics 1.0.</summary>
public static class PrometheusText
{
    public static string ContentType(Exposition form) => form == Exposition.OpenMetrics1
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>OpenMetrics for who asks for it at least as much as for plain text.</summary>
    /// <param name="accept">The header Accept, or empty.</param>
    public static Exposition Wanted(string accept)
    {
        double open = -1, plain = -1;
        foreach (var part in accept.Split(','))
        {
            var words = part.Split(';', StringSplitOptions.TrimEntries);
            var weight = words.Skip(1).FirstOrDefault(w => w.StartsWith("q=", StringComparison.OrdinalIgnoreCase)) is { } q
                && double.TryParse(q.AsSpan(2), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : 1;
            var version = words.Skip(1).FirstOrDefault(w => w.StartsWith("version=", StringComparison.OrdinalIgnoreCase));
            if (words[0].Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase)
                && version is null or "version=1.0.0") open = Math.Max(open, weight);
            else if (words[0] is "text/plain" or "text/*" or "*/*") plain = Math.Max(plain, weight);
        }

        return open > 0 && open >= plain ? Exposition.OpenMetrics1 : Exposition.Text004;
    }

    public static string Write(MetricsCollector collector, ProcessIdentity self, Exposition form)
    {
        var text = new StringBuilder(32 * 1024);
        WriteSelf(text, self, form);
        var written = new HashSet<string>(StringComparer.Ordinal) { "target" };
        foreach (var family in collector.Collect())
        {
            // Two instruments that become one name would be one family with two types: the first one stays.
            if (!written.Add(family.Name)) continue;
            Write(text, family, form);
        }

        const string failures = "orchestrator_metrics_failures";
        Head(text, form == Exposition.OpenMetrics1 ? failures : failures + "_total", "counter", "",
            "Instruments that could not be read, over all readings.", form);
        Line(text, failures + "_total", "", Number(collector.Failures));
        if (form == Exposition.OpenMetrics1) text.Append("# EOF\n");
        return text.ToString();
    }

    private static void WriteSelf(StringBuilder text, ProcessIdentity self, Exposition form)
    {
        Head(text, form == Exposition.OpenMetrics1 ? "target" : "target_info",
            form == Exposition.OpenMetrics1 ? "info" : "gauge", "", "What this process is.", form);
        var labels = Names.Labels(
        [
            new("service.name", self.Service), new("service.version", self.Version),
            new("service.instance.id", self.Instance),
        ]);
        text.Append("target_info{").Append(labels).Append("} 1\n");
    }

    private static void Write(StringBuilder text, Family family, Exposition form)
    {
        var samples = family.Samples();
        if (samples.Count == 0) return;
        var sampleName = family.Kind == FamilyKind.Counter ? family.Name + "_total" : family.Name;
        Head(text, form == Exposition.OpenMetrics1 ? family.Name : sampleName,
            family.Kind.ToString().ToLowerInvariant(), family.Unit, family.Help, form);
        foreach (var (labels, sample) in samples)
        {
            if (family.Kind == FamilyKind.Histogram) WriteHistogram(text, family, labels, sample, form);
            else Line(text, sampleName, labels, Number(sample.Value));
        }
    }

    private static void WriteHistogram(StringBuilder text, Family family, string labels, Sample sample, Exposition form)
    {
        var below = 0L;
        var comma = labels.Length == 0 ? "" : ",";
        for (var i = 0; i < sample.Buckets.Count; i++)
        {
            below += sample.Buckets[i];
            var bound = i < family.UpperBounds.Count ? Bound(family.UpperBounds[i], form) : "+Inf";
            Line(text, family.Name + "_bucket", $"{labels}{comma}le=\"{bound}\"", Number(below));
        }

        Line(text, family.Name + "_sum", labels, Number(sample.Value));
        Line(text, family.Name + "_count", labels, Number(sample.Count));
    }

    private static void Head(
        StringBuilder text, string name, string type, string unit, string help, Exposition form)
    {
        text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        if (form == Exposition.OpenMetrics1 && unit.Length > 0 && name.EndsWith("_" + unit, StringComparison.Ordinal))
            text.Append("# UNIT ").Append(name).Append(' ').Append(unit).Append('\n');
        if (help.Length == 0) return;
        text.Append("# HELP ").Append(name).Append(' ');
        if (form == Exposition.OpenMetrics1) Names.Escape(text, help);
        else text.Append(help.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal));
        text.Append('\n');
    }

    private static void Line(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(value).Append('\n');
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => double.IsNaN(value) ? "NaN" : value.ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>OpenMetrics wants bounds to look like numbers with a fraction.</summary>
    private static string Bound(double value, Exposition form)
    {
        var text = Number(value);
        return form == Exposition.OpenMetrics1 && !text.AsSpan().ContainsAny(".eEIN") ? text + ".0" : text;
    }
}

/// <summary>What this process is, for whoever collects its telemetry.</summary>
/// <param name="Instance">Tells processes of one service apart: the node's name.</param>
public sealed record ProcessIdentity(string Service, string Version, string Instance);
