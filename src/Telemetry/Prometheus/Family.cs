using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Orchestrator.Telemetry.Prometheus;

internal enum FamilyKind { Counter, Gauge, Histogram }

/// <summary>One instrument under the name that Prometheus knows it by, with its series by their labels.</summary>
internal sealed class Family
{
    private const string Overflow = "otel_metric_overflow=\"true\"";

    private static readonly double[] _seconds =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private static readonly double[] _others =
        [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];

    /// <summary>.NET 10 publishes these as counters, and they fall; OpenTelemetry's conventions have them as what they
    /// are.</summary>
    private static readonly string[] _fall = ["dotnet.thread_pool.thread.count", "dotnet.thread_pool.queue.length"];

    private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly bool _observed;
    private readonly double[] _bounds;

    public Family(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        _observed = instrument.IsObservable;
        Kind = type == typeof(Histogram<>) ? FamilyKind.Histogram
            : type == typeof(Counter<>) || (type == typeof(ObservableCounter<>) && !_fall.Contains(instrument.Name))
                ? FamilyKind.Counter
            : FamilyKind.Gauge;
        Adds = type == typeof(Counter<>) || type == typeof(UpDownCounter<>);
        Unit = Names.Unit(instrument.Unit);
        Name = Names.Metric(instrument.Name, Unit);
        Help = instrument.Description ?? "";
        _bounds = Kind == FamilyKind.Histogram ? Bounds(instrument) : [];
    }

    /// <summary>Without the ending _total that a counter's samples have.</summary>
    public string Name { get; }

    public string Unit { get; }

    public string Help { get; }

    public FamilyKind Kind { get; }

    public IReadOnlyList<double> UpperBounds => _bounds;

    /// <summary>Labels as text, without braces, and what was measured; by the labels.</summary>
    public IReadOnlyList<(string Labels, Sample Sample)> Samples() =>
    [
        .. _series.Select(s => (s.Key, s.Value.Read())).OrderBy(s => s.Key, StringComparer.Ordinal),
    ];

    private bool Adds { get; }

    /// <summary>An observable instrument says all of its series each time: what it no longer says is gone.</summary>
    public void Forget()
    {
        if (_observed) _series.Clear();
    }

    public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Names.Labels(tags);
        if (!_series.TryGetValue(labels, out var series))
        {
            if (_series.Count >= MetricsCollector.MostSeries) labels = Overflow;
            series = _series.GetOrAdd(labels, _ => new Series(_bounds.Length));
        }

        if (Kind == FamilyKind.Histogram) series.Observe(value, _bounds);
        else if (Adds) series.Add(value);
        else series.Set(value);
    }

    private double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } b } => [.. b],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } b } => [.. b.Select(v => (double)v)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } b } => [.. b.Select(v => (double)v)],
        _ when Unit == "seconds" => _seconds,
        _ => _others,
    };
}

/// <param name="Buckets">How many fell into each bucket by itself; the last is that above the highest bound.</param>
internal readonly record struct Sample(double Value, long Count, IReadOnlyList<long> Buckets);

/// <summary>The numbers of one combination of labels.</summary>
internal sealed class Series(int bounds)
{
    private readonly Lock _gate = new();
    private readonly long[] _buckets = new long[bounds + 1];
    private double _value;
    private long _count;

    public void Set(double value)
    {
        lock (_gate) _value = value;
    }

    public void Add(double value)
    {
        lock (_gate) _value += value;
    }

    public void Observe(double value, double[] upper)
    {
        var at = Array.BinarySearch(upper, value);
        lock (_gate)
        {
            _buckets[at < 0 ? ~at : at]++;
            _value += value;
            _count++;
        }
    }

    public Sample Read()
    {
        lock (_gate) return new Sample(_value, _count, [.. _buckets]);
    }
}
