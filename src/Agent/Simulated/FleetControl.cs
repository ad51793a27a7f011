using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

/// <summary>
/// The hand of the experimenter, over plain HTTP on loopback:
/// GET /control/history · GET /control/hosts · PUT /control/hosts/N/faults (<see cref="HostFaults"/>) ·
/// POST /control/hosts/N/power/{on|off} · POST /control/hosts/N/agent-restart · POST /control/guests/VM/crash ·
/// POST /control/fence (<see cref="FenceOrder"/>; the option "plug" is the host's number).
/// </summary>
internal sealed class FleetControl(SimulatedFleet fleet, SimulatedProfile profile, TimeProvider time)
{
    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/control/history", (RequestDelegate)(c => Write(c, fleet.Truth.History(), FleetJson.Default.FleetHistory)));
        app.MapGet("/control/hosts", (RequestDelegate)(c => Write(
            c, new FleetHosts([.. fleet.Hosts.Select(h => h.Describe())]), FleetJson.Default.FleetHosts)));
        app.MapPut("/control/hosts/{host:int}/faults", OnHost(async (context, host) =>
            host.Faults = await Read(context, FleetJson.Default.HostFaults)));
        app.MapPost("/control/hosts/{host:int}/power/on", OnHost((_, host) => host.PowerOn()));
        app.MapPost("/control/hosts/{host:int}/power/off", OnHost((_, host) => host.PowerOff()));
        app.MapPost("/control/hosts/{host:int}/agent-restart", OnHost((_, host) => host.RestartAgent()));
        app.MapPost("/control/guests/{vm:guid}/crash", (RequestDelegate)Crash);
        app.MapPost("/control/fence", (RequestDelegate)Fence);
    }

    private RequestDelegate OnHost(Func<HttpContext, SimulatedHost, Task> act) => async context =>
    {
        if (fleet.Host(Number(context.Request.RouteValues["host"])) is not { } host)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        try
        {
            await act(context, host);
        }
        catch (JsonException e)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync(e.Message);
        }
    };

    private Task Crash(HttpContext context)
    {
        var vm = Guid.Parse((string)context.Request.RouteValues["vm"]!);
        var crashed = fleet.Hosts.Any(h => h.Hypervisor?.Crash(vm) == true);
        if (!crashed) context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private async Task Fence(HttpContext context)
    {
        var order = await Read(context, FleetJson.Default.FenceOrder);
        var host = fleet.Host(Number(order.Options.GetValueOrDefault("plug")));
        await Write(context, await Fence(host, order, context.RequestAborted), AgentJson.Default.FenceResult);
    }

    private async Task<FenceResult> Fence(SimulatedHost? host, FenceOrder order, CancellationToken cancel)
    {
        if (host is null) return new FenceResult(FencePower.Unknown, false, "the option plug names no host");
        if (host.Faults.FenceBroken) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancel);
        if (order.Action is FenceAction.Off or FenceAction.Reboot) await host.PowerOff();
        if (order.Action is FenceAction.On or FenceAction.Reboot) _ = PowerOnLater(host);
        return order.Action switch
        {
            FenceAction.Off => new FenceResult(FencePower.Off, true, $"host {host.Number} is off"),
            FenceAction.Status => new FenceResult(
                host.Hypervisor is null ? FencePower.Off : FencePower.On, true, $"host {host.Number}"),
            _ => new FenceResult(FencePower.On, true, $"host {host.Number} is starting"),
        };
    }

    private async Task PowerOnLater(SimulatedHost host)
    {
        await Task.Delay(profile.HostBootTime, time);
        await host.PowerOn();
    }

    private static int Number(object? text) =>
        int.TryParse(text as string, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;

    private static async Task<T> Read<T>(HttpContext context, JsonTypeInfo<T> shape) =>
        await JsonSerializer.DeserializeAsync(context.Request.Body, shape, context.RequestAborted)
        ?? throw new JsonException("the body is null");

    private static async Task Write<T>(HttpContext context, T answer, JsonTypeInfo<T> shape)
    {
        context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(
            JsonSerializer.SerializeToUtf8Bytes(answer, shape), context.RequestAborted);
    }
}
