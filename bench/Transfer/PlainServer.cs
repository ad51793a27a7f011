using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Bench.Transfer;

/// <summary>What a file costs over HTTPS when nobody asks for more: the framework's own ways to send one and to take one.</summary>
internal sealed class PlainServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    public PlainServer(LiveCredentials credentials, string folder)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(new IPEndPoint(IPAddress.Loopback, 0), listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                    {
                        EnabledSslProtocols = SslProtocols.Tls13,
                        ServerCertificateContext = credentials.Context,
                    }),
                });
            });
        });
        _app = builder.Build();
        _app.Run(async context =>
        {
            var path = Path.Combine(folder, Path.GetFileName(context.Request.Path.Value!));
            if (HttpMethods.IsGet(context.Request.Method))
            {
                context.Response.ContentLength = new FileInfo(path).Length;
                await context.Response.SendFileAsync(path);
                return;
            }

            await using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 0, useAsync: true);
            await context.Request.Body.CopyToAsync(file);
            file.Flush(flushToDisk: true);
        });
    }

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public Task Start() => _app.StartAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
