using System.Diagnostics;

namespace Orchestrator.Actors.Watching;

/// <summary>
/// Spans of entities. A trace begins at a REST request and nowhere else: what no request caused (reports, ticks, the
/// restart of a VM whose host died) has no parent and makes no span. While nobody listens nothing is allocated here.
/// </summary>
public static class EntityTraces
{
    public const string Name = "Orchestrator.Entities";

    private static readonly ActivitySource _source = new(Name, typeof(EntityTraces).Assembly.GetName().Version?.ToString(3) ?? "");

    /// <summary>traceparent of the span that runs now, when it is recorded and somebody listens; else null.</summary>
    public static string? Now => _source.HasListeners() && Activity.Current is { Recorded: true } span ? span.Id : null;

    /// <summary>The command with the present span's trace in it, or the very command when there is none.</summary>
    public static object Under(object command) =>
        command is Traced { Trace: null } traced && Now is { } trace ? traced with { Trace = trace } : command;

    /// <summary>A span under the given parent, which becomes the present one. Null when nobody listens, the parent is
    /// none, or it is not to be recorded.</summary>
    internal static Activity? Begin(string name, string? parent, string kind, Guid id)
    {
        if (parent is null || !_source.HasListeners()) return null;
        if (!ActivityContext.TryParse(parent, null, isRemote: true, out var context)) return null;
        var span = _source.StartActivity(name, ActivityKind.Internal, context);
        span?.SetTag("orchestrator.entity.kind", kind).SetTag("orchestrator.entity.id", id);
        return span;
    }

    /// <summary>A span under the given one, which does not become the present one.</summary>
    internal static Activity? Within(Activity? parent, string name)
    {
        if (parent is null) return null;
        var present = Activity.Current;
        var span = _source.StartActivity(name, ActivityKind.Client, parent.Context);
        Activity.Current = present;
        return span;
    }
}
