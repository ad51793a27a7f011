using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>HTTPS/2, TLS 1.3, and nobody in without a certificate of our CA with the role engine.</summary>
public static class AgentListener
{
    private const int StreamsPerConnection = 10_000;

    public static void Listen(
        WebApplicationBuilder builder, IPEndPoint endpoint, AgentCredentials credentials, long bodyLimitBytes)
    {
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = bodyLimitBytes;
            kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
            kestrel.Limits.MinResponseDataRate = null;
            var log = kestrel.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("Orchestrator.Agent.Tls");
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(https => Secure(https, credentials, log));
            });
        });
    }

    private static void Secure(HttpsConnectionAdapterOptions https, AgentCredentials credentials, ILogger log)
    {
        https.SslProtocols = SslProtocols.Tls13;
        https.ServerCertificate = credentials.Own;
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = (peer, _, _) =>
        {
            if (PeerCertificate.Refuse(peer, credentials.Authority, PeerCertificate.EngineRole) is not { } refusal)
                return true;
            log.LogWarning("A client was turned away: {Refusal}", refusal);
            return false;
        };
    }
}
