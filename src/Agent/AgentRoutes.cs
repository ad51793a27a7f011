using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;
using Orchestrator.Agent.Transfer;

namespace Orchestrator.Agent;

/// <summary>The contract's paths. Each reads one order, hands it to the host and writes what the host says.</summary>
public sealed class AgentRoutes(
    IHostDoor door, FenceProgram fence, TimeSpan heartbeat, TimeProvider time, ITickets? tickets = null)
{
    private static readonly AgentJson Json = AgentJson.Default;
    private static readonly AgentRefusal _noStorage = new(RefusalCode.UnknownOrder, "this agent mounts no storage");
    private static readonly byte[] LineEnd = [(byte)'\n'];

    public void Map(IEndpointRouteBuilder v1)
    {
        v1.MapGet("/agent", (RequestDelegate)(c => Answer(c, a => Write(c, a.Describe() with { ImagePort = tickets?.Port ?? 0 }, Json.AgentDescription))));
        v1.MapGet("/host/statistics", (RequestDelegate)(c => Answer(c, a => Write(c, a.Sample(), Json.HostStatistics))));
        v1.MapGet("/observations", (RequestDelegate)(c => Answer(c, a => Observe(c, a))));
        v1.MapGet("/report", (RequestDelegate)(c => Answer(c, a => Write(c, a.Report(), Json.Report))));
        v1.MapGet("/events", (RequestDelegate)Events);
        v1.MapPut("/lease", (RequestDelegate)(c => Answer(c, a => Renew(c, a))));
        v1.MapGet("/storage-leases/{of:guid}", (RequestDelegate)(c => Answer(c, a => ReadStorageLease(c, a))));

        v1.MapPut("/storage", (RequestDelegate)(c => Answer(c, a => KeepStorage(c, a))));
        v1.MapPost("/storage/look", (RequestDelegate)(c => Answer(c, a => LookAtStorage(c, a))));

        v1.MapPut("/vms/{vm:guid}", Order("Launch", Json.LaunchOrder, (a, vm, o) =>
            o.Definition.Id == vm ? a.Launch(o) : Mismatch(vm, o.Definition.Id)));
        v1.MapPost("/vms/{vm:guid}/incoming", Order("PrepareIncoming", Json.IncomingOrder, (a, vm, o) =>
            o.Definition.Id == vm ? a.PrepareIncoming(o) : Mismatch(vm, o.Definition.Id)));
        v1.MapPost("/vms/{vm:guid}/restore", Order("Restore", Json.RestoreOrder, (a, vm, o) =>
            o.Definition.Id == vm ? a.Restore(o) : Mismatch(vm, o.Definition.Id)));
        v1.MapPost("/vms/{vm:guid}/save", Order("Save", Json.SaveOrder, (a, vm, o) => a.Save(vm, o)));
        v1.MapPost("/vms/{vm:guid}/reshape", Order("Reshape", Json.ReshapeOrder, (a, vm, o) =>
            o.Definition.Id == vm ? a.Reshape(o) : Mismatch(vm, o.Definition.Id)));
        v1.MapPost("/vms/{vm:guid}/stop", Later("Stop", Json.StopOrder, (a, vm, o) => a.StopAndSee(vm, o)));
        v1.MapPost("/vms/{vm:guid}/pause", Order("Pause", Json.GuestOrder, (a, vm, o) => a.Pause(vm, o)));
        v1.MapPost("/vms/{vm:guid}/resume", Order("Resume", Json.GuestOrder, (a, vm, o) => a.Resume(vm, o)));
        v1.MapPost("/vms/{vm:guid}/migrate", Order("Migrate", Json.MigrateOrder, (a, vm, o) => a.Migrate(vm, o)));
        v1.MapPost("/vms/{vm:guid}/cancel-migration", Order("CancelMigration", Json.GuestOrder, (a, vm, o) => a.CancelMigration(vm, o)));
        v1.MapDelete("/vms/{vm:guid}", Order("Forget", Json.GuestOrder, (a, vm, o) => a.Forget(vm, o)));
        v1.MapPost("/vms/{vm:guid}/console-ticket", Later("SetTicket", Json.ConsoleTicketOrder, (a, vm, o) => a.Consoles.SetTicket(vm, o)));
        v1.MapPost("/vms/{vm:guid}/file-systems", Later("FileSystems", Json.FileSystemsOrder, (a, vm, o) => a.FileSystems.Take(vm, o)));
        v1.MapGet("/vms/{vm:guid}/console-log", (RequestDelegate)(c => Answer(c, a => ConsoleLog(c, a))));

        v1.MapPut("/jobs/{job:guid}", (RequestDelegate)(c => Answer(c, a => StartJob(c, a))));
        v1.MapGet("/jobs/{job:guid}", (RequestDelegate)(c => Answer(c, a => FindJob(c, a))));
        if (tickets is not null)
        {
            v1.MapPost("/tickets/{transfer:guid}", (RequestDelegate)(c => Answer(c, a => PutTicket(c, a, tickets))));
            v1.MapPost("/tickets/{transfer:guid}/end", (RequestDelegate)(c => Answer(c, a => EndTicket(c, a, tickets))));
        }

        v1.MapPost("/fence", (RequestDelegate)(c => Answer(c, a => Fence(c, a))));
    }

    private RequestDelegate Order<T>(
        string name, JsonTypeInfo<T> shape, Func<HostAgent, Guid, T, AgentAnswer> take) where T : class =>
        Later(name, shape, (agent, vm, order) => Task.FromResult(take(agent, vm, order)));

    /// <summary>As <see cref="Order"/>, of what is carried out before it is answered.</summary>
    private RequestDelegate Later<T>(
        string name, JsonTypeInfo<T> shape, Func<HostAgent, Guid, T, Task<AgentAnswer>> take) where T : class =>
        context => Answer(context, async agent =>
        {
            if (await Read(context, shape) is not { } order) return;
            using var span = AgentTraces.Taking(name, context.Request.Headers.TraceParent, Id(context, "vm"));
            switch (await take(agent, Id(context, "vm"), order))
            {
                case AgentAnswer.Accepted accepted:
                    AgentMeters.Ordered(name, "accepted");
                    await Write(context, accepted.Receipt, Json.OrderReceipt, StatusCodes.Status202Accepted);
                    break;
                case AgentAnswer.Refused refused:
                    AgentMeters.Ordered(name, refused.Refusal.Code);
                    span?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, refused.Refusal.Code);
                    await Refuse(context, refused.Refusal);
                    break;
            }
        });

    private async Task Answer(HttpContext context, Func<HostAgent, Task> answer)
    {
        var agent = await door.Enter(context);
        if (agent is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        await answer(agent);
    }

    private async Task Observe(HttpContext context, HostAgent agent)
    {
        try
        {
            await Write(context, await agent.Observe(), Json.HostObservations);
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
        {
            await Refuse(context, new AgentRefusal(RefusalCode.NotReady, e.Message));
        }
    }

    private async Task Events(HttpContext context)
    {
        var agent = await door.Enter(context);
        if (agent is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (!long.TryParse(context.Request.Query["epoch"], out var epoch)
            || !Guid.TryParse(context.Request.Query["host"], out var owner))
        {
            await Refuse(context, new AgentRefusal(
                RefusalCode.Malformed, "/v1/events needs epoch=<number> and host=<the host's id in the engine>"));
            return;
        }

        var (follower, refusal) = agent.Follow(epoch, owner.ToString());
        if (follower is null)
        {
            await Refuse(context, refusal!);
            return;
        }

        context.Response.ContentType = "application/x-ndjson";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        using var beat = time.CreateTimer(_ => agent.Beat(), null, heartbeat, heartbeat);
        try
        {
            await Stream(context, follower);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The engine hung up; it comes back or another node does.
        }
    }

    private async Task Stream(HttpContext context, EventFeed.Follower follower)
    {
        var output = context.Response.BodyWriter;
        await using var writer = new Utf8JsonWriter(output);
        while (await follower.Events.WaitToReadAsync(context.RequestAborted))
        {
            await door.Leave(context);
            while (follower.Events.TryRead(out var told))
            {
                JsonSerializer.Serialize(writer, told, Json.HostEvent);
                writer.Flush();
                writer.Reset();
                output.Write<byte>(LineEnd);
            }

            await output.FlushAsync(context.RequestAborted);
        }

        await door.Leave(context);
    }

    private async Task Renew(HttpContext context, HostAgent agent)
    {
        if (await Read(context, Json.RenewalOrder) is not { } order) return;
        var (terms, refusal) = agent.Renew(order);
        if (terms is null) await Refuse(context, refusal!);
        else await Write(context, terms, Json.LeaseTerms);
    }

    private async Task ReadStorageLease(HttpContext context, HostAgent agent)
    {
        var folder = context.Request.Query["folder"].ToString();
        if (!Path.IsPathRooted(folder))
        {
            await Refuse(context, new AgentRefusal(RefusalCode.Malformed, "/v1/storage-leases needs folder=<an absolute path>"));
            return;
        }

        try
        {
            await Write(context, await agent.ReadStorageLease(folder, Id(context, "of")), Json.StorageLeaseReading);
        }
        catch (IOException e)
        {
            await Refuse(context, new AgentRefusal(RefusalCode.Failed, e.Message));
        }
    }

    private async Task KeepStorage(HttpContext context, HostAgent agent)
    {
        if (await Read(context, Json.StorageOrder) is not { } order) return;
        if (agent.Check(order.Stamp) is { } refusal) await Refuse(context, refusal);
        else if (agent.Storage is { } storage) await Write(context, storage.Keep(order.Places), Json.StorageReport);
        else await Refuse(context, _noStorage);
    }

    private async Task LookAtStorage(HttpContext context, HostAgent agent)
    {
        if (await Read(context, Json.LookOrder) is not { } order) return;
        if (agent.Check(order.Stamp) is { } refusal) await Refuse(context, refusal);
        else if (agent.Storage?.Finds is not { } look) await Refuse(context, _noStorage);
        else
            try
            {
                await Write(context, new LookReport { Domains = await look(order.Place, context.RequestAborted) }, Json.LookReport);
            }
            catch (ImageWorkException e)
            {
                await Refuse(context, new AgentRefusal(RefusalCode.Failed, e.Message));
            }
    }

    private async Task ConsoleLog(HttpContext context, HostAgent agent)
    {
        var tail = int.TryParse(context.Request.Query["tail"], out var n) ? Math.Clamp(n, 1, 10_000) : 100;
        if (agent.ConsoleLog(Id(context, "vm"), tail) is not { } text)
        {
            await Refuse(context, new AgentRefusal(RefusalCode.UnknownVm, "no console log of this VM is on this host"));
            return;
        }

        await door.Leave(context);
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.BodyWriter.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
    }

    private async Task StartJob(HttpContext context, HostAgent agent)
    {
        if (await Read(context, Json.JobOrder) is not { } order) return;
        var (job, refusal) = agent.Run(Id(context, "job"), order);
        if (job is null) await Refuse(context, refusal!);
        else await Write(context, job, Json.JobReport, StatusCodes.Status202Accepted);
    }

    private async Task FindJob(HttpContext context, HostAgent agent)
    {
        if (agent.Job(Id(context, "job")) is { } job) await Write(context, job, Json.JobReport);
        else await Refuse(context, new AgentRefusal(RefusalCode.UnknownJob, "no such job on this host"));
    }

    private async Task PutTicket(HttpContext context, HostAgent agent, ITickets tickets)
    {
        if (await Read(context, Json.TicketOrder) is not { } order) return;
        if (agent.Check(order.Stamp) is { } refusal)
        {
            await Refuse(context, refusal);
            return;
        }

        var (report, why) = await tickets.Put(Id(context, "transfer"), order);
        if (report is null) await Refuse(context, why!);
        else await Write(context, report, Json.TicketReport);
    }

    private async Task EndTicket(HttpContext context, HostAgent agent, ITickets tickets)
    {
        if (await Read(context, Json.EndTicketOrder) is not { } order) return;
        if (agent.Check(order.Stamp) is { } refusal) await Refuse(context, refusal);
        else await Write(context, await tickets.End(Id(context, "transfer"), order.Session), Json.TicketReport);
    }

    private async Task Fence(HttpContext context, HostAgent agent)
    {
        if (await Read(context, Json.FenceOrder) is not { } order) return;
        if (agent.Check(order.Stamp) is { } refusal) await Refuse(context, refusal);
        else await Write(context, await fence.Run(order, context.RequestAborted), Json.FenceResult);
    }

    /// <returns>Null when the body was refused; the answer has been written then.</returns>
    private async Task<T?> Read<T>(HttpContext context, JsonTypeInfo<T> shape) where T : class
    {
        try
        {
            if (await JsonSerializer.DeserializeAsync(context.Request.Body, shape, context.RequestAborted) is { } order)
                return order;
            await Refuse(context, new AgentRefusal(RefusalCode.Malformed, "the body is null"));
        }
        catch (JsonException e)
        {
            await Refuse(context, new AgentRefusal(RefusalCode.Malformed, $"the body is not as it must be: {e.Message}"));
        }
        catch (BadHttpRequestException e)
        {
            await Refuse(context, new AgentRefusal(RefusalCode.Malformed, e.Message), e.StatusCode);
        }

        return null;
    }

    private Task Refuse(HttpContext context, AgentRefusal refusal, int? status = null) =>
        Write(context, refusal, Json.AgentRefusal, status ?? refusal.Code switch
        {
            RefusalCode.Malformed => StatusCodes.Status400BadRequest,
            RefusalCode.UnknownVm or RefusalCode.UnknownJob => StatusCodes.Status404NotFound,
            RefusalCode.NotReady => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status409Conflict,
        });

    private async Task Write<T>(HttpContext context, T answer, JsonTypeInfo<T> shape, int status = StatusCodes.Status200OK)
    {
        await door.Leave(context);
        var body = JsonSerializer.SerializeToUtf8Bytes(answer, shape);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body, context.RequestAborted);
    }

    private static AgentAnswer.Refused Mismatch(Guid path, Guid body) =>
        new AgentAnswer.Refused(new AgentRefusal(
            RefusalCode.Malformed, $"the path names VM {path} and the definition {body}"));

    private static Guid Id(HttpContext context, string name) => Guid.Parse((string)context.Request.RouteValues[name]!);
}
