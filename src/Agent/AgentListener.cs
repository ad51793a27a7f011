using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>HTTPS/2, TLS 1.3, and nobody in without a certificate of our CA with the role engine.</summary>
public static class AgentListener
{
    private const int StreamsPerConnection = 10_000;

    public static void Listen(
        WebApplicationBuilder builder, IPEndPoint endpoint, LiveCredentials credentials, long bodyLimitBytes)
    {
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = bodyLimitBytes;
            kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
            kestrel.Limits.MinResponseDataRate = null;
            var log = kestrel.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("Orchestrator.Agent.Tls");
            var engines = new EngineDoor(credentials, log);
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                engines.Guard(listen);
            });
        });
    }
}
