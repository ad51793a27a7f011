using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Transfer;

/// <summary>Where clients read and write images, by oVirt imageio's protocol. Anybody may come: the ticket is the right.</summary>
public sealed class ImageServer : IHostedService, IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TicketBook _tickets;
    private readonly ILogger _log;

    public ImageServer(IPEndPoint at, LiveCredentials credentials, TicketBook tickets, ILoggerFactory logs)
    {
        _tickets = tickets;
        _log = logs.CreateLogger("Orchestrator.Agent.Images");
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Images have any size, and a storage or a client that is slow is no reason to break off.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(at, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = _ => ValueTask.FromResult(credentials.ForAnybody()),
                });
            });
        });
        _app = builder.Build();
        _app.Run(new ImageRoutes(tickets, _log).Answer);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _app.StartAsync(cancellationToken);
            _tickets.Port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            // Guests come first: an agent without image transfers is an agent.
            _log.LogError("images cannot be transferred here: {Why}", e.Message);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // Those that are under way are broken off: a client goes on where it was when the agent is back.
        await _tickets.DisposeAsync();
        await _app.StopAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
