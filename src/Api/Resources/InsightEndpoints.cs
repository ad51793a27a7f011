using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>
/// A view of the engine itself, beside oVirt's tree, for administrators: nodes, shards, what is stuck, and one entity
/// with all that is known of it. Any node answers for all.
/// </summary>
internal sealed class InsightEndpoints(IInsight insight, ServiceEndpoints edge)
{
    private static readonly TimeSpan _stuckAfter = TimeSpan.FromSeconds(30);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/orchestrator/v1/nodes", edge.ForAdmins(c => Write(c, insight.Nodes(c.RequestAborted))));
        routes.MapGet("/orchestrator/v1/shards", edge.ForAdmins(c => Write(c, insight.Shards(c.RequestAborted))));
        routes.MapGet("/orchestrator/v1/stuck", edge.ForAdmins(c => Write(c, insight.Stuck(AtLeast(c), c.RequestAborted))));
        routes.MapGet("/orchestrator/v1/entities/{kind}/{id}", edge.ForAdmins(Entity));
    }

    private async Task Entity(HttpContext context)
    {
        var (kind, id) = ((string)context.Request.RouteValues["kind"]!, (string)context.Request.RouteValues["id"]!);
        var told = await insight.Entity(kind, id, context.RequestAborted)
            ?? throw new FaultException(404, FaultException.OperationFailed, $"There is no {kind} with the id or name {id}");
        await Write(context, Task.FromResult(told));
    }

    /// <summary>older-than, in seconds.</summary>
    private static TimeSpan AtLeast(HttpContext context)
    {
        var text = context.Request.Query["older-than"].ToString();
        if (text.Length == 0) return _stuckAfter;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds <= 1_000_000_000
            ? TimeSpan.FromSeconds(seconds)
            : throw FaultException.Bad("older-than is a whole number of seconds");
    }

    private static async Task Write(HttpContext context, Task<string> json)
    {
        var text = await json;
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync(text, context.RequestAborted);
    }
}
