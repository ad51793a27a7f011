using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>The host's certificate, as the engine renews it: the key is made here and stays here. Connections that stand, and
/// guests, are not touched.</summary>
public sealed class CertificateRoutes(IHostDoor door, HostKeys keys)
{
    private static readonly AgentJson Json = AgentJson.Default;
    private readonly Lock _gate = new();

    public void Map(IEndpointRouteBuilder v1)
    {
        v1.MapGet("/certificate", (RequestDelegate)(c => Answer(c, _ => keys.Report(), Json.CertificateReport)));
        v1.MapPost("/certificate/key", (RequestDelegate)(c => Order(c, Json.NewKeyOrder, o => o.Stamp, MakeKey, Json.NewKeyAnswer)));
        v1.MapPost("/certificate", (RequestDelegate)(c => Order(c, Json.CertificateOrder, o => o.Stamp, Take, Json.CertificateReport)));
    }

    private NewKeyAnswer MakeKey(NewKeyOrder order) => new(keys.Ask("host"));

    private CertificateReport Take(CertificateOrder order)
    {
        keys.Take(order.Certificate, order.Authorities);
        return keys.Report();
    }

    private async Task Order<TOrder, TAnswer>(
        HttpContext context, JsonTypeInfo<TOrder> shape, Func<TOrder, Stamp> stamp, Func<TOrder, TAnswer> carryOut, JsonTypeInfo<TAnswer> answer)
        where TOrder : class
    {
        TOrder? order;
        try
        {
            order = await JsonSerializer.DeserializeAsync(context.Request.Body, shape, context.RequestAborted);
        }
        catch (JsonException e)
        {
            await Refuse(context, new AgentRefusal(RefusalCode.Malformed, $"the body is not as it must be: {e.Message}"));
            return;
        }

        if (order is null) await Refuse(context, new AgentRefusal(RefusalCode.Malformed, "the body is null"));
        else
            await Answer(context, agent => agent.Check(stamp(order)) is { } refusal
                ? throw new AgentRefusedException(refusal)
                : carryOut(order), answer);
    }

    private async Task Answer<T>(HttpContext context, Func<HostAgent, T> carryOut, JsonTypeInfo<T> shape)
    {
        if (await door.Enter(context) is not { } agent)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        T answer;
        try
        {
            lock (_gate) answer = carryOut(agent);
        }
        catch (AgentRefusedException e)
        {
            await Refuse(context, e.Refusal);
            return;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            await Refuse(context, new AgentRefusal(RefusalCode.Failed, e.Message));
            return;
        }

        await door.Leave(context);
        await context.Response.WriteAsJsonAsync(answer, shape, "application/json", context.RequestAborted);
    }

    private async Task Refuse(HttpContext context, AgentRefusal refusal)
    {
        await door.Leave(context);
        context.Response.StatusCode = refusal.Code == RefusalCode.Malformed ? StatusCodes.Status400BadRequest : StatusCodes.Status409Conflict;
        await context.Response.WriteAsJsonAsync(refusal, Json.AgentRefusal, "application/json", context.RequestAborted);
    }
}
