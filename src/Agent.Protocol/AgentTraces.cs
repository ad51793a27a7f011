using System.Diagnostics;

namespace Orchestrator.Agent.Protocol;

/// <summary>Spans of orders, on both sides of the wire; the header traceparent joins them. Allocates nothing while nobody
/// listens, or when the sender's trace is not recorded.</summary>
public static class AgentTraces
{
    public const string Name = "Orchestrator.Agents";

    private static readonly ActivitySource _source = new(Name, typeof(AgentTraces).Assembly.GetName().Version?.ToString(3) ?? "");

    /// <summary>What goes into the header; null when nobody listens or the present trace is not recorded.</summary>
    internal static string? Now => _source.HasListeners() && Activity.Current is { Recorded: true } span ? span.Id : null;

    /// <summary>The engine's side: from the order's leaving until its answer.</summary>
    internal static Activity? Sending(string order, Uri agent) =>
        _source.HasListeners() && Activity.Current is { Recorded: true } parent
            ? _source.StartActivity($"order {order}", ActivityKind.Client, parent.Context)
                ?.SetTag("server.address", agent.Host).SetTag("server.port", agent.Port)
            : null;

    /// <summary>The agent's side: while the order is judged, recorded and begun.</summary>
    /// <param name="traceparent">The header, or empty.</param>
    public static Activity? Taking(string order, string? traceparent, Guid vm) =>
        _source.HasListeners() && traceparent is { Length: > 0 }
            && ActivityContext.TryParse(traceparent, null, isRemote: true, out var parent)
            ? _source.StartActivity($"agent {order}", ActivityKind.Server, parent)?.SetTag("orchestrator.entity.id", vm)
            : null;
}
