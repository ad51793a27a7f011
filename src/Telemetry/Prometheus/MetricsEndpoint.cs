using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>/metrics, on a listener that is there already or on one of its own.</summary>
public sealed class MetricsEndpoint(MetricsCollector collector, ProcessIdentity self, MetricsAccess access)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/metrics", (RequestDelegate)Answer);

    /// <summary>Plain HTTP with nothing but /metrics, for scrapers that have no certificate of this installation.</summary>
    /// <exception cref="IOException">The address is taken or not of this machine.</exception>
    public async Task<IAsyncDisposable> Listen(IPEndPoint at)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(at);
        });
        var app = builder.Build();
        Map(app);
        await app.StartAsync();
        return app;
    }

    private async Task Answer(HttpContext context)
    {
        if (!access.Lets(context.Connection.RemoteIpAddress, context.Request.Headers.Authorization.ToString()))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync(
                $"Metrics are not for {context.Connection.RemoteIpAddress}: add its network to "
                + "orchestrator.telemetry.prometheus.from, or send the token of token-file.\n", context.RequestAborted);
            return;
        }

        var form = PrometheusText.Wanted(context.Request.Headers.Accept.ToString());
        context.Response.ContentType = PrometheusText.ContentType(form);
        await context.Response.WriteAsync(PrometheusText.Write(collector, self, form), context.RequestAborted);
    }
}
