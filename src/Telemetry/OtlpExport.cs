using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Orchestrator.Telemetry.Prometheus;

namespace Orchestrator.Telemetry;

/// <param name="Endpoint">For http/protobuf the collector's base ("http://collector:4318"); its paths are appended.</param>
/// <param name="MetricsEvery">Zero: no metrics are sent.</param>
/// <param name="Sampling">Share of requests that are traced, 0 to 1; 0: no traces. A client that says whether its trace
/// is recorded decides for itself.</param>
/// <param name="Headers">Added to each message, "name=value,name=value"; for tokens of collectors. May be empty.</param>
public sealed record OtlpSettings(
    Uri Endpoint, bool Grpc, TimeSpan MetricsEvery, double Sampling, string Headers, TimeSpan Timeout);

/// <summary>Sends metrics and traces of this process by OTLP until it is disposed; then what is left is sent. A collector
/// that is away costs spans and points, never a request.</summary>
public sealed class OtlpExport : IDisposable
{
    private const int QueuedSpans = 8192;

    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _metrics;

    public OtlpExport(OtlpSettings settings, ProcessIdentity self, IReadOnlyList<string> meters)
    {
        var resource = ResourceBuilder.CreateEmpty().AddService(
            self.Service, serviceVersion: self.Version, serviceInstanceId: self.Instance);
        if (settings.Sampling > 0)
        {
            _traces = Sdk.CreateTracerProviderBuilder()
                .SetResourceBuilder(resource)
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(settings.Sampling)))
                .AddSource("Orchestrator.*")
                .AddOtlpExporter(otlp =>
                {
                    Point(otlp, settings, "v1/traces");
                    otlp.ExportProcessorType = ExportProcessorType.Batch;
                    otlp.BatchExportProcessorOptions.MaxQueueSize = QueuedSpans;
                    otlp.BatchExportProcessorOptions.ScheduledDelayMilliseconds = 1000;
                })
                .Build();
        }

        if (settings.MetricsEvery <= TimeSpan.Zero) return;
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter([.. meters])
            .AddOtlpExporter((otlp, reader) =>
            {
                Point(otlp, settings, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds =
                    (int)settings.MetricsEvery.TotalMilliseconds;
            })
            .Build();
    }

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }

    private static void Point(OtlpExporterOptions otlp, OtlpSettings settings, string path)
    {
        otlp.Protocol = settings.Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        otlp.Endpoint = settings.Grpc
            ? settings.Endpoint
            : new Uri(settings.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
        otlp.TimeoutMilliseconds = (int)settings.Timeout.TotalMilliseconds;
        if (settings.Headers.Length > 0) otlp.Headers = settings.Headers;
    }
}
