namespace Orchestrator.Actors;

/// <summary>A command that may name the trace it belongs to, so that what it sets going can be followed.</summary>
public abstract record Traced
{
    /// <summary>W3C traceparent of whoever sent it; null when nobody traces. No rule may look at it.</summary>
    public string? Trace { get; init; }
}
