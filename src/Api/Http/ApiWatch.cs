using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Orchestrator.Api.Http;

/// <summary>
/// The span of one request, under the client's traceparent if it sent one, and the name of what was asked for on ASP.NET
/// Core's own request metrics: the path with its ids left out, so there are only as many as the API has paths. Allocates
/// nothing while nobody listens.
/// </summary>
internal readonly struct ApiWatch : IDisposable
{
    public const string Name = "Orchestrator.Api";

    private static readonly ActivitySource _source = new(Name, typeof(ApiWatch).Assembly.GetName().Version?.ToString(3) ?? "");

    private readonly HttpContext _context;
    private readonly Activity? _span;

    private ApiWatch(HttpContext context, Activity? span) => (_context, _span) = (context, span);

    public static ApiWatch Begin(HttpContext context)
    {
        if (!_source.HasListeners()) return default;
        var headers = context.Request.Headers;
        ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var parent);

        // Else the server's own, which nobody collects, would be the parent.
        Activity.Current = null;
        var span = _source.StartActivity(context.Request.Method, ActivityKind.Server, parent);
        span?.SetTag("http.request.method", context.Request.Method).SetTag("url.path", context.Request.Path.Value);
        return new ApiWatch(context, span);
    }

    /// <summary>What the request is for is known now.</summary>
    /// <param name="path">Without base and version, such as "vms/123/start".</param>
    public static void Know(HttpContext context, string method, string path, IReadOnlyList<string> ids)
    {
        var metrics = context.Features.Get<IHttpMetricsTagsFeature>();
        var span = _source.HasListeners() ? Activity.Current : null;
        if (metrics is null && span is null) return;
        var resource = string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries)
            .Select(segment => ids.Contains(segment) ? "{id}" : segment));
        metrics?.Tags.Add(new KeyValuePair<string, object?>("orchestrator.resource", resource));
        if (span is null) return;
        span.DisplayName = $"{method} {resource}";
        span.SetTag("http.route", resource);
    }

    public void Dispose()
    {
        if (_span is null) return;
        var status = _context.Response.StatusCode;
        _span.SetTag("http.response.status_code", status);
        if (status >= 500) _span.SetStatus(ActivityStatusCode.Error);
        _span.Dispose();
    }
}
