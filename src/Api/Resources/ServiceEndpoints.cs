using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Resources;

/// <summary>What lies beside the API: health, the CA certificate, and who owns what in the engine's cluster.</summary>
internal sealed class ServiceEndpoints(
    World world, Doorkeeper doorkeeper, IInsight? insight = null, IHostTokens? tokens = null, IHostAuthority? authority = null)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/ovirt-engine/services/health", (RequestDelegate)Health);
        routes.MapGet("/ovirt-engine/services/pki-resource", (RequestDelegate)PkiResource);
        routes.MapGet("/orchestrator/owner", ForAdmins(Owner));
        routes.MapGet("/orchestrator/status", ForAdmins(Status));
        if (tokens is not null && authority is not null) new HostJoining(world, tokens, authority, this).Map(routes);
        if (insight is not null) new InsightEndpoints(insight, this).Map(routes);
    }

    /// <summary>Says that the database answers, in the words that oVirt's notifier and monitors look for.</summary>
    private async Task Health(HttpContext context)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            await world.Read.Get(Kinds.DataCenter, Guid.Empty, limit.Token);
            await Text(context, 200, "text/plain", "DB Up!Welcome to Health Status!");
        }
        catch (Exception away) when (away is OperationCanceledException || Dispatcher.IsStoreAway(away))
        {
            await Text(context, 503, "text/plain", "DB Down!");
        }
    }

    private Task PkiResource(HttpContext context)
    {
        var resource = context.Request.Query["resource"].ToString();
        var format = context.Request.Query["format"].ToString();
        if (resource != "ca-certificate" || format is not ("" or "X509-PEM-CA" or "X509-PEM"))
            return Text(context, 404, "text/plain", "Only resource=ca-certificate&format=X509-PEM-CA is here");
        return world.Options.CaCertificates() is { Length: > 0 } pem
            ? Text(context, 200, "application/x-x509-ca-cert", pem)
            : Text(context, 404, "text/plain", "This engine was given no CA certificate to hand out");
    }

    private async Task Owner(HttpContext context)
    {
        var kind = context.Request.Query["type"].ToString();
        if (kind.Length == 0 || !Guid.TryParse(context.Request.Query["id"], out var id))
            throw FaultException.Bad("Ask with type=<vm, host, cluster …> and id=<UUID>");
        var owner = await world.Owners.Find(kind, id, context.RequestAborted)
            ?? throw FaultException.Unknown($"owner of the {kind}", id.ToString());
        await Json(context, 200, json =>
        {
            json.WriteString("node", owner.Node);
            json.WriteString("address", owner.Address);
            json.WriteNumber("epoch", owner.Epoch);
            if (owner.Pid is { } pid) json.WriteNumber("pid", pid);
        });
    }

    private async Task Status(HttpContext context)
    {
        var nodes = await world.Owners.Nodes(context.RequestAborted);
        await Json(context, 200, json =>
        {
            json.WriteStartArray("nodes");
            foreach (var node in nodes)
            {
                json.WriteStartObject();
                json.WriteString("node", node.Node);
                json.WriteString("address", node.Address);
                json.WriteString("status", node.Status);
                if (node.Pid is { } pid) json.WriteNumber("pid", pid);
                json.WriteStartObject("shards");
                foreach (var (kind, count) in node.Shards) json.WriteNumber(kind, count);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    internal RequestDelegate ForAdmins(Func<HttpContext, Task> endpoint) => ForAdmins((context, _) => endpoint(context));

    internal RequestDelegate ForAdmins(Func<HttpContext, Identity, Task> endpoint) => async context =>
    {
        try
        {
            var (user, rights) = await doorkeeper.Authenticate(context, context.RequestAborted);
            if (!rights.IsSuperUser)
                throw new FaultException(403, FaultException.OperationFailed, "Only administrators may ask this");
            await endpoint(context, user);
        }
        catch (FaultException fault)
        {
            if (fault.Status == 401) context.Response.Headers.WWWAuthenticate = "Basic realm=\"RESTAPI\"";
            if (fault.RetryAfter is { } seconds)
                context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            await Json(context, fault.Status, json => json.WriteString("error", fault.Detail));
        }
        catch (Exception away) when (away is EntityUnavailableException || Dispatcher.IsStoreAway(away))
        {
            await Json(context, 503, json => json.WriteString("error", away.Message));
        }
    };

    private static async Task Json(HttpContext context, int status, Action<Utf8JsonWriter> fields)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        fields(json);
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private static Task Text(HttpContext context, int status, string type, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
