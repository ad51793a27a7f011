using System.Buffers;
using System.Collections.Frozen;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Primitives;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>
/// The way to images for clients that have none to the hosts: /images/TICKET of any engine node is that of the host. It looks
/// only for whose ticket it is; the right is the host's to judge.
/// </summary>
internal sealed class ImageProxy : IDisposable
{
    private const int Piece = 256 << 10;
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(250);
    private static readonly string[] _toHost =
        ["Range", "Content-Range", "Content-Type", "Content-Length", "Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"];

    private readonly IReadModel _read;
    private readonly TransferTickets _tickets;
    private readonly TimeProvider _clock;
    private readonly HttpMessageInvoker _hosts;
    private readonly Lock _gate = new();
    private volatile FrozenDictionary<Guid, string> _known = FrozenDictionary<Guid, string>.Empty;
    private Task _reading = Task.CompletedTask;
    private long? _readAt;

    public ImageProxy(IReadModel read, TransferTickets tickets, LiveCredentials credentials, TimeProvider clock)
    {
        (_read, _tickets, _clock) = (read, tickets, clock);
        _hosts = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            UseCookies = false,
            UseProxy = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = (_, shown, _, _) =>
                {
                    using var peer = LiveCredentials.Copy(shown);
                    return PeerCertificate.Refuse(peer, credentials.Current.Authorities, PeerCertificate.AgentRole) is null;
                },
            },
        });
    }

    public void Map(IEndpointRouteBuilder routes) => routes.Map("/images/{ticket:guid}/{**rest}", (RequestDelegate)Pass);

    public void Dispose() => _hosts.Dispose();

    private async Task Pass(HttpContext context)
    {
        var ticket = Guid.Parse((string)context.Request.RouteValues["ticket"]!);
        try
        {
            if (await Find(ticket, context.RequestAborted) is { } host) await Pass(context, host);
            else await Refuse(context, StatusCodes.Status403Forbidden, "You are not allowed to access this resource: No such ticket, or it has expired");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or EntityUnavailableException && !context.RequestAborted.IsCancellationRequested)
        {
            if (context.Response.HasStarted) context.Abort();
            else await Refuse(context, StatusCodes.Status502BadGateway, $"The image's host is not reached: {e.Message}");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException)
        {
            // The client has gone.
        }
    }

    private async Task Pass(HttpContext context, string host)
    {
        // An image has any size, and takes the time that it takes.
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = null;
        context.Features.Get<IHttpMinRequestBodyDataRateFeature>()?.MinDataRate = null;
        context.Features.Get<IHttpMinResponseDataRateFeature>()?.MinDataRate = null;
        var request = new HttpRequestMessage(
            new HttpMethod(context.Request.Method), new Uri($"https://{host}{context.Request.Path}{context.Request.QueryString}"));
        if (context.Request.ContentLength is not null) request.Content = new Body(context.Request.Body);
        foreach (var name in _toHost)
            if (context.Request.Headers.TryGetValue(name, out var value) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)value);
        using var answer = await _hosts.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
            if (name is not ("Transfer-Encoding" or "Connection" or "Date")) context.Response.Headers[name] = new StringValues([.. values]);
        if (HttpMethods.IsHead(context.Request.Method)) return;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await using var from = await answer.Content.ReadAsStreamAsync(context.RequestAborted);
        await Copy(from, context.Response.Body, context.RequestAborted);
    }

    /// <returns>The address of the host that has this ticket.</returns>
    private async Task<string?> Find(Guid ticket, CancellationToken cancel)
    {
        if (_known.TryGetValue(ticket, out var host)) return host;
        Task reading;
        lock (_gate)
        {
            if (_readAt is { } at && _clock.GetElapsedTime(at) < LookAgainAfter && _reading.IsCompletedSuccessfully) return null;
            reading = _reading.IsCompleted ? _reading = Read() : _reading;
        }

        await reading.WaitAsync(cancel);
        return _known.GetValueOrDefault(ticket);
    }

    private async Task Read()
    {
        var known = new Dictionary<Guid, string>();
        foreach (var document in await _read.List(
            new ReadQuery(Kinds.ImageTransfer, new Dictionary<string, string> { ["phase"] = "transferring" }), CancellationToken.None))
        {
            var transfer = WireJson.Read<ImageTransferView>(document.Json).Transfer;
            if (await _read.View<HostView>(Kinds.Host, transfer.Host.Value, CancellationToken.None) is not { Facts.ImagePort: > 0 and var port } host) continue;
            var address = host.Config.Address.Contains(':', StringComparison.Ordinal) ? $"[{host.Config.Address}]" : host.Config.Address;
            known[_tickets.Of(transfer.Id, transfer.Session)] = $"{address}:{port}";
        }

        _known = known.ToFrozenDictionary();
        lock (_gate) _readAt = _clock.GetTimestamp();
    }

    private static Task Refuse(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }

    private static async Task Copy(Stream from, Stream to, CancellationToken cancel)
    {
        var piece = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            for (int read; (read = await from.ReadAsync(piece, cancel)) > 0;) await to.WriteAsync(piece.AsMemory(0, read), cancel);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private sealed class Body(Stream from) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => Copy(from, stream, default);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
            Copy(from, stream, cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
