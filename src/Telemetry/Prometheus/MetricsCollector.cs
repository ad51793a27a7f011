using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>
/// Adds up what this process's meters measure, so that it can be read at any time. Each instrument keeps a bounded
/// number of series; what comes above the bound goes into one that says so.
/// </summary>
public sealed class MetricsCollector : IDisposable
{
    /// <summary>Combinations of labels that one instrument may have.</summary>
    public const int MostSeries = 1000;

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, Family> _families = new();
    private readonly Lock _collecting = new();

    /// <param name="wanted">By the meter's name, whether it is collected.</param>
    public MetricsCollector(Func<string, bool> wanted)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!wanted(instrument.Meter.Name)) return;
            listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, i => new Family(i)));
        };
        _listener.MeasurementsCompleted = (instrument, _) => _families.TryRemove(instrument, out Family? _);
        _listener.SetMeasurementEventCallback<long>((_, v, tags, family) => Take(family, v, tags));
        _listener.SetMeasurementEventCallback<int>((_, v, tags, family) => Take(family, v, tags));
        _listener.SetMeasurementEventCallback<short>((_, v, tags, family) => Take(family, v, tags));
        _listener.SetMeasurementEventCallback<byte>((_, v, tags, family) => Take(family, v, tags));
        _listener.SetMeasurementEventCallback<double>((_, v, tags, family) => Take(family, v, tags));
        _listener.SetMeasurementEventCallback<float>((_, v, tags, family) => Take(family, v, tags));
        _listener.SetMeasurementEventCallback<decimal>((_, v, tags, family) => Take(family, (double)v, tags));
        _listener.Start();
    }

    /// <summary>How often an instrument could not be read.</summary>
    internal long Failures { get; private set; }

    /// <summary>Everything as it is now, by name. Asks the observable instruments.</summary>
    internal IReadOnlyList<Family> Collect()
    {
        lock (_collecting)
        {
            foreach (var family in _families.Values) family.Forget();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException failed)
            {
                // The others were read all the same.
                Failures += failed.InnerExceptions.Count;
            }

            return [.. _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal)];
        }
    }

    public void Dispose() => _listener.Dispose();

    private static void Take(object? family, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        ((Family)family!).Take(value, tags);
}
