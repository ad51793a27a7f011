using System.Globalization;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>Consoles as WebSockets over the agent's own port: HTTP/2 and TLS, from engine nodes only.</summary>
public sealed class ConsoleRoutes(IHostDoor door, CancellationToken stopping)
{
    public void Map(IEndpointRouteBuilder v1) => v1.Map("/vms/{vm:guid}/console", (RequestDelegate)Open);

    private async Task Open(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest || await door.Enter(context) is not { } agent)
        {
            context.Response.StatusCode = context.WebSockets.IsWebSocketRequest ? StatusCodes.Status404NotFound : StatusCodes.Status400BadRequest;
            return;
        }

        var vm = Guid.Parse((string)context.Request.RouteValues["vm"]!);
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        if (Asked(context.Request.Query) is not { } asked)
        {
            await ConsoleBytes.Part(
                new ConsoleEnd(WebSocketCloseStatus.PolicyViolation, "a console needs kind=vnc or serial, epoch=<number> and lease=<number>"), [socket]);
            return;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        await agent.Consoles.Carry(asked.Stamp, new GuestKey(vm, asked.Lease), asked.Kind, socket, either.Token);
    }

    private static (Stamp Stamp, long Lease, ConsoleKind Kind)? Asked(IQueryCollection query) =>
        Number(query["epoch"]) is { } epoch && Number(query["lease"]) is { } lease
        && query["kind"].ToString() is "vnc" or "serial"
            ? (new Stamp(epoch), lease, query["kind"] == "vnc" ? ConsoleKind.Vnc : ConsoleKind.Serial)
            : null;

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
