using System.Net;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Telemetry;
using Orchestrator.Telemetry.Prometheus;

namespace Orchestrator.Host.Node;

/// <summary>Metrics and traces of this process, as orchestrator.telemetry says.</summary>
internal sealed class NodeTelemetry : IAsyncDisposable
{
    private static readonly string[] _meters =
    [
        "Orchestrator.Engine", "Orchestrator.Entities", "Orchestrator.Agent", CredentialWatch.MeterName, "System.Runtime",
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel",
    ];

    private readonly OtlpExport? _export;
    private readonly MetricsCollector? _collector;
    private readonly MetricsEndpoint? _endpoint;
    private IAsyncDisposable? _listener;

    private NodeTelemetry(NodeConfig config, ProcessIdentity self)
    {
        if (config.Text("telemetry.otlp.endpoint") is { Length: > 0 } endpoint)
            _export = new OtlpExport(Otlp(config, endpoint), self, _meters);
        if (!config.Is("telemetry.prometheus.enabled")) return;
        _collector = new MetricsCollector(_meters.Contains);
        _endpoint = new MetricsEndpoint(_collector, self, Access(config));
    }

    /// <param name="service">OpenTelemetry's service.name.</param>
    /// <exception cref="UsageException">A key has no meaning; the message names it.</exception>
    public static async Task<NodeTelemetry> Start(NodeConfig config, string service)
    {
        var telemetry = new NodeTelemetry(
            config, new ProcessIdentity(service, Node.Version, config.Name is { Length: > 0 } n ? n : Environment.MachineName));
        if (telemetry._endpoint is { } endpoint && config.Text("telemetry.prometheus.address") is { Length: > 0 } address)
            telemetry._listener = await endpoint.Listen(new IPEndPoint(
                IPAddress.Parse(address), config.Number("telemetry.prometheus.port")));
        return telemetry;
    }

    public void Map(IEndpointRouteBuilder routes) => _endpoint?.Map(routes);

    public async ValueTask DisposeAsync()
    {
        if (_listener is not null) await _listener.DisposeAsync();
        _collector?.Dispose();
        _export?.Dispose();
    }

    private static OtlpSettings Otlp(NodeConfig config, string endpoint)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var at) || at.Scheme is not ("http" or "https"))
            throw new UsageException($"orchestrator.telemetry.otlp.endpoint is no http(s) address: {endpoint}");
        var protocol = config.Text("telemetry.otlp.protocol");
        if (protocol is not ("http/protobuf" or "grpc"))
            throw new UsageException($"orchestrator.telemetry.otlp.protocol is http/protobuf or grpc, not {protocol}");
        var sampling = config.Hocon.GetDouble("orchestrator.telemetry.otlp.sampling");
        if (sampling is not (>= 0 and <= 1))
            throw new UsageException($"orchestrator.telemetry.otlp.sampling is 0 to 1, not {sampling}");
        return new OtlpSettings(
            at, protocol == "grpc", config.Time("telemetry.otlp.metrics-every"), sampling,
            config.Text("telemetry.otlp.headers-file") is { Length: > 0 } file ? File.ReadAllText(file).Trim() : "",
            config.Time("telemetry.otlp.timeout"));
    }

    private static MetricsAccess Access(NodeConfig config)
    {
        try
        {
            return MetricsAccess.Of(
                config.Hocon.GetStringList("orchestrator.telemetry.prometheus.from"),
                config.Text("telemetry.prometheus.token-file") is { Length: > 0 } file ? File.ReadAllText(file) : null);
        }
        catch (FormatException e)
        {
            throw new UsageException($"orchestrator.telemetry.prometheus.from: {e.Message}");
        }
    }
}
