using System.Collections.Immutable;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Actors.Journal;
using Orchestrator.Engine;
using Orchestrator.Host.Node.Insight;

namespace Orchestrator.Host.Node;

/// <summary>
/// For load balancers and supervisors. /health/live: this process answers; restart it when not. /health/ready: it can
/// take requests: it is a member, may act, its database answers and it is not leaving. oVirt's own health page is
/// the API's.
/// </summary>
internal sealed class Health(NodeMembership membership, DatabaseProbe database, string name)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", (RequestDelegate)(c => Write(c, 200, new Live("live", name, Node.Version))));
        routes.MapGet("/health/ready", (RequestDelegate)Ready);
    }

    private async Task Ready(HttpContext context)
    {
        var found = await database.Ask();
        var reasons = ImmutableArray.CreateBuilder<string>();
        if (membership.Self is null) reasons.Add("it is no member of the cluster: it joins, or it was refused (see its log)");
        else if (!membership.MayAct) reasons.Add("it may not act: its lease could not be renewed in time");
        if (membership.View.Self is { Status: NodeStatus.Leaving }) reasons.Add("it is leaving the cluster");
        if (found.Role == "away") reasons.Add($"the database does not answer: {found.Why}");
        if (found.Role == "standby") reasons.Add($"the database {found.Server} is a standby: nothing can be written");
        await Write(context, reasons.Count == 0 ? 200 : 503,
            new Readiness(reasons.Count == 0, name, membership.Self?.ToString(), found, reasons.ToImmutable()));
    }

    private static Task Write(HttpContext context, int status, object answer)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(WireJson.Write(answer) + "\n", context.RequestAborted);
    }

    private sealed record Live(string Status, string Node, string Version);

    private sealed record Readiness(
        bool Ready, string Node, string? Member, DatabaseReport Database, ImmutableArray<string> Reasons);
}
