using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Resources;

/// <summary>Consoles for browsers: a WebSocket here is one at the guest's host, by way of its agent. noVNC and websockify's own
/// clients know the form: binary messages, whatever their lengths.</summary>
/// <param name="stopping">This node leaves: who looks through it is told, and looks through another one.</param>
internal sealed class ConsoleProxy(World world, CancellationToken stopping)
{
    private const string SubProtocol = "binary";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/ovirt-engine/console/{kind}/{ticket}", (RequestDelegate)Open);
    }

    private async Task Open(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Say(context, StatusCodes.Status400BadRequest, "A console is a WebSocket");
            return;
        }

        try
        {
            var ticket = await world.ConsoleTickets.Use((string)context.Request.RouteValues["ticket"]!, context.RequestAborted);
            if (ticket is null || !ticket.Kind.ToString().Equals((string?)context.Request.RouteValues["kind"], StringComparison.OrdinalIgnoreCase))
                await Say(context, StatusCodes.Status401Unauthorized, "The ticket is not valid, has expired or was used; ask for another one");
            else
                await Open(context, ticket);
        }
        catch (Exception away) when (away is EntityUnavailableException || Dispatcher.IsStoreAway(away))
        {
            await Say(context, StatusCodes.Status503ServiceUnavailable, away.Message);
        }
    }

    private async Task Open(HttpContext context, ConsoleTicket ticket)
    {
        if (await world.Entities.Ask(Kinds.Vm, ticket.Vm, Step(ticket, ConsoleStep.Connected, ""), context.RequestAborted) is Reply.Refused refused)
        {
            await Say(context, StatusCodes.Status409Conflict, FaultTable.Refusal(refused.Fault, refused.Detail).Detail);
            return;
        }

        var wanted = context.WebSockets.WebSocketRequestedProtocols.Contains(SubProtocol) ? SubProtocol : null;
        using var client = await context.WebSockets.AcceptWebSocketAsync(wanted);
        var end = await Carry(client, ticket, context.RequestAborted);
        // Not waited for: this node may be on its way out.
        world.Entities.Tell(Kinds.Vm, ticket.Vm, Step(ticket, ConsoleStep.Disconnected, end.Why));
    }

    private async Task<ConsoleEnd> Carry(WebSocket client, ConsoleTicket ticket, CancellationToken aborted)
    {
        WebSocket guest;
        try
        {
            guest = await Reach(ticket, aborted);
        }
        catch (Exception e) when (e is ConsoleRefusedException or EntityUnavailableException or OperationCanceledException || Dispatcher.IsStoreAway(e))
        {
            var failed = new ConsoleEnd(ConsoleEnd.Refused, e.Message);
            await ConsoleBytes.Part(failed, [client]);
            return failed;
        }

        using (guest)
        {
            var leaving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registered = stopping.Register(() => leaving.TrySetResult());
            var upward = ConsoleBytes.Read(client, bytes => ConsoleBytes.Send(guest, bytes));
            var downward = ConsoleBytes.Read(guest, bytes => ConsoleBytes.Send(client, bytes));
            var first = await Task.WhenAny(upward, downward, leaving.Task);
            var end = first == leaving.Task
                ? new ConsoleEnd(WebSocketCloseStatus.EndpointUnavailable, "this engine node leaves; ask for a new ticket")
                : first is Task<ConsoleEnd> { IsCompletedSuccessfully: true } side ? await side
                : new ConsoleEnd(WebSocketCloseStatus.EndpointUnavailable, "the connection broke");
            await ConsoleBytes.Part(end, [client, guest], upward, downward);
            return end;
        }
    }

    private async Task<WebSocket> Reach(ConsoleTicket ticket, CancellationToken cancel) =>
        await world.Entities.Ask(Kinds.Vm, ticket.Vm, new Look(), cancel) is Reply.AlreadyDone seen
        && GuestPlace.Of(WireJson.Read<VmView>(seen.View)) is { } guest
            ? await world.Consoles.Open(guest, ticket.Kind, cancel)
            : throw new ConsoleRefusedException("the VM is on its way to another host; ask for a new ticket");

    private VmCommand.NoteConsole Step(ConsoleTicket ticket, ConsoleStep step, string detail) => new(
        new Origin(new JobId(Guid.CreateVersion7()), null, ticket.User, world.Clock.GetUtcNow()), step,
        ticket.Kind.ToString().ToLowerInvariant(), detail);

    private static Task Say(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain";
        return context.Response.WriteAsync(sentence, context.RequestAborted);
    }
}
