using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

public sealed record FleetConfig
{
    public required LiveCredentials Credentials { get; init; }

    /// <summary>Hosts are numbered from 1.</summary>
    public int Hosts { get; init; } = 10;

    /// <summary>Where engines reach the agents: https://here/h/NUMBER/. Port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 54322);

    /// <summary>Plain HTTP for faults, power and history; loopback only. Port 0 takes a free one.</summary>
    public int ControlPort { get; init; } = 54323;
    public SimulatedProfile Profile { get; init; } = new();
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromMilliseconds(500);
    public int Seed { get; init; } = 1;
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where log lines go; null: nowhere.</summary>
    public ILoggerProvider? Log { get; init; }
}

/// <summary>
/// Hundreds of hypervisor hosts in one process, behind the same routes, guard and ledger as a real one. What is
/// simulated is the hypervisor, the disk and the wire.
/// </summary>
public sealed class SimulatedFleet : IAsyncDisposable, IHostDoor
{
    private readonly WebApplication _agents;
    private readonly WebApplication _control;
    private readonly SimulatedHost[] _hosts;

    private SimulatedFleet(FleetConfig config)
    {
        Truth = new GuestTruth(config.Time);
        Tickets = new SimulatedTickets(config.Time);
        var images = new SimulatedImages(config.Time) { Closed = Tickets.Close };
        _agents = Empty(config, builder => AgentListener.Listen(builder, config.Listen, config.Credentials, 1 << 20));
        _control = Empty(config, builder => builder.WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, config.ControlPort)));
        var log = _agents.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Orchestrator.Agent.Simulated");
        _hosts = [.. Enumerable.Range(1, config.Hosts).Select(n => new SimulatedHost(
            n, config.Profile, Truth, config.Seed + (1000 * n), images, Find, config.Time, log))];

        var routes = new AgentRoutes(this, new FenceProgram(), config.Heartbeat, config.Time, Tickets);
        _agents.UseWebSockets();
        routes.Map(_agents.MapGroup("/h/{host:int}/v1"));
        new ConsoleRoutes(this, _agents.Lifetime.ApplicationStopping).Map(_agents.MapGroup("/h/{host:int}/v1"));
        new FleetControl(this, config.Profile, config.Time).Map(_control);
    }

    public GuestTruth Truth { get; }

    /// <summary>Of all hosts together.</summary>
    public SimulatedTickets Tickets { get; }

    public IReadOnlyList<SimulatedHost> Hosts => _hosts;

    /// <summary>Valid once started.</summary>
    public Uri Control => Address(_control);

    public static SimulatedFleet Build(FleetConfig config) => new(config);

    /// <summary>Powers on all hosts and listens.</summary>
    public async Task Start(CancellationToken cancel = default)
    {
        foreach (var host in _hosts) await host.PowerOn();
        await _agents.StartAsync(cancel);
        await _control.StartAsync(cancel);
    }

    /// <summary>The base address of a host's agent, for <see cref="AgentClient"/>.</summary>
    public Uri AddressOf(int host) => new(Address(_agents), $"h/{host}/");

    public SimulatedHost? Host(int number) => number >= 1 && number <= _hosts.Length ? _hosts[number - 1] : null;

    public ValueTask<HostAgent?> Enter(HttpContext request) =>
        HostOf(request) is { } host ? host.Enter(request) : new ValueTask<HostAgent?>((HostAgent?)null);

    public ValueTask Leave(HttpContext request) => HostOf(request)?.Leave(request) ?? default;

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts) await host.DisposeAsync();
        await _control.DisposeAsync();
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _agents.StopAsync(soon.Token);
        await _agents.DisposeAsync();
    }

    private SimulatedHypervisor? Find(string uri) =>
        Uri.TryCreate(uri, UriKind.Absolute, out var parsed) && parsed.Scheme == "sim"
        && int.TryParse(NumberIn(uri), CultureInfo.InvariantCulture, out var number) && Host(number) is { } host
        && !host.Faults.Silent
            ? host.Hypervisor
            : null;

    private static string NumberIn(string uri) => uri["sim://".Length..].Split('/')[0];

    private SimulatedHost? HostOf(HttpContext request) =>
        Host(int.Parse((string)request.Request.RouteValues["host"]!, CultureInfo.InvariantCulture));

    private static Uri Address(WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static WebApplication Empty(FleetConfig config, Action<WebApplicationBuilder> listen)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        if (config.Log is { } log) builder.Logging.AddProvider(log);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        listen(builder);
        return builder.Build();
    }
}
