using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>
/// How a host comes in: an administrator makes a token, and the host asks with it for its certificate and its place. All of it
/// can be said again; of two hosts with one token the second is refused.
/// </summary>
internal sealed class HostJoining(World world, IHostTokens tokens, IHostAuthority authority, ServiceEndpoints edge)
{
    private const long MostBytes = 64 << 10;
    private static readonly AgentJson Json = AgentJson.Default;
    private static readonly TimeSpan _longest = TimeSpan.FromDays(7);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/orchestrator/v1/host-tokens", edge.ForAdmins(MakeToken));
        routes.MapPost("/orchestrator/v1/hosts/join", (RequestDelegate)Join);
    }

    /// <summary>cluster=NAME or host=NAME (names or ids), life in seconds; 3600 unless told otherwise.</summary>
    private async Task MakeToken(HttpContext context, Sso.Identity user)
    {
        var query = context.Request.Query;
        var life = query["life"].ToString() is not { Length: > 0 } text ? TimeSpan.FromHours(1)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0 && seconds <= _longest.TotalSeconds
                ? TimeSpan.FromSeconds(seconds)
                : throw FaultException.Bad($"life is a number of seconds from 1 to {_longest.TotalSeconds:F0}");
        var (cluster, host) = (query["cluster"].ToString(), query["host"].ToString()) switch
        {
            ({ Length: > 0 } name, "") => (new ClusterId(await Named(Kinds.Cluster, name, context)), (HostId?)null),
            ("", { Length: > 0 } name) => await Known(name, context),
            _ => throw FaultException.Bad("Say cluster=<name or id> for a new host, or host=<name or id> for one that is to have a new certificate"),
        };
        var token = JoinToken.New(Authorities(authority.Authorities));
        await tokens.Keep(token, cluster, host, user.Name, life, context.RequestAborted);
        context.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("token", token.Text);
        json.WriteString("until", world.Clock.GetUtcNow() + life);
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private async Task<(ClusterId, HostId?)> Known(string name, HttpContext context)
    {
        var id = await Named(Kinds.Host, name, context);
        var view = await Host(id, context.RequestAborted) ?? throw FaultException.Unknown(Kinds.Host, name);
        return (view.Config.Cluster, view.Id);
    }

    private async Task<Guid> Named(string kind, string nameOrId, HttpContext context)
    {
        if (Guid.TryParseExact(nameOrId, "D", out var id))
            return await world.Read.Get(kind, id, context.RequestAborted) is null ? throw FaultException.Unknown(kind, nameOrId) : id;
        var found = await world.Read.List(
            new ReadQuery(kind, new Dictionary<string, string> { ["config.name"] = nameOrId }), context.RequestAborted);
        return found is [var one] ? one.Id : throw FaultException.Unknown(kind, nameOrId);
    }

    private async Task Join(HttpContext context)
    {
        try
        {
            if (context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
                limit.MaxRequestBodySize = MostBytes;
            var request = await JsonSerializer.DeserializeAsync(context.Request.Body, Json.JoinRequest, context.RequestAborted)
                ?? throw FaultException.Bad("the body is null");
            await context.Response.WriteAsJsonAsync(
                await Join(request, context.RequestAborted), Json.JoinAnswer, "application/json", context.RequestAborted);
        }
        catch (JsonException e)
        {
            await Refuse(context, 400, $"the body is not as it must be: {e.Message}");
        }
        catch (BadHttpRequestException e)
        {
            await Refuse(context, e.StatusCode, e.Message);
        }
        catch (FaultException fault)
        {
            await Refuse(context, fault.Status, fault.Detail);
        }
        catch (NotSignedException e)
        {
            await Refuse(context, e.Why == NotSigned.BadRequest ? 400 : 503, $"{e.Message}. Ask another node, or tell the engine's operator.");
        }
        catch (Exception away) when (away is EntityUnavailableException || Dispatcher.IsStoreAway(away))
        {
            await Refuse(context, 503, away.Message);
        }
    }

    private async Task<JoinAnswer> Join(JoinRequest request, CancellationToken cancel)
    {
        if (request.Port is < 1 or > 65535) throw FaultException.Bad($"the agent's port is {request.Port}; a port is from 1 to 65535");
        if (Uri.CheckHostName(request.Address) == UriHostNameType.Unknown)
            throw FaultException.Bad($"the address '{request.Address}' is neither a name nor an IP address");
        var name = Names.Checked(request.Name, "Host");
        // Signed first, for what cannot be signed must not use up the token.
        authority.Sign(request.SigningRequest, name, [request.Address]);
        var claim = await tokens.Claim(
            request.Token, JoinToken.HashOf(request.Secret), KeyOf(request.SigningRequest), new HostId(Guid.NewGuid()), cancel);
        if (claim is not TokenClaim.Granted granted) throw new FaultException(403, FaultException.OperationFailed, ((TokenClaim.Refused)claim).Why);
        var host = await Host(granted.Host.Value, cancel);
        if (host is null && granted.Known)
            throw FaultException.Conflict("the host that this token was made for was removed; make a token for a new host (--cluster)");
        host ??= await Add(request, name, granted, cancel);
        return new JoinAnswer(
            host.Id.Value, host.Config.Name,
            authority.Sign(request.SigningRequest, host.Config.Name, [.. new[] { host.Config.Address, request.Address }.Distinct()]),
            authority.Authorities);
    }

    private async Task<HostView> Add(JoinRequest request, string name, TokenClaim.Granted granted, CancellationToken cancel)
    {
        var others = await world.Read.List(new ReadQuery(Kinds.Host), cancel);
        if (others.Select(o => WireJson.Read<HostView>(o.Json)).FirstOrDefault(
                o => o.Config is { PathPrefix: "" } c && c.Address == request.Address && c.Port == request.Port) is { } other)
            throw FaultException.Conflict(
                $"the host {other.Config.Name} has the address {request.Address}:{request.Port} already; make a token for it (orchestrator host token "
                + $"--host {other.Config.Name}), or say --address or --port");
        if (!await world.Read.ClaimName(Kinds.Host, "", name, granted.Host.Value, cancel))
            throw FaultException.Conflict(
                $"the name {name} is in use by another host; say --name, or make a token for that host (orchestrator host token --host {name})");
        var origin = new Origin(new JobId(Guid.CreateVersion7()), null, granted.MadeBy, world.Clock.GetUtcNow());
        var config = new HostConfig { Name = name, Cluster = granted.Cluster, Address = request.Address, Port = request.Port };
        switch (await world.Entities.Ask(Kinds.Host, granted.Host.Value, new HostCommand.Register(origin, config), cancel))
        {
            case Reply.Accepted accepted:
                return WireJson.Read<HostView>(accepted.View);
            case Reply.AlreadyDone done:
                return WireJson.Read<HostView>(done.View);
            case Reply.Refused { Fault: Fault.AlreadyExists } when await Host(granted.Host.Value, cancel) is { } view:
                return view;
            case Reply.Refused { Fault: Fault.Removed }:
                await world.Read.ReleaseName(Kinds.Host, "", name, granted.Host.Value, cancel);
                throw FaultException.Conflict("the host that came with this token was removed; make another token (orchestrator host token)");
            case var refused:
                await world.Read.ReleaseName(Kinds.Host, "", name, granted.Host.Value, cancel);
                throw refused is Reply.Refused r ? FaultTable.Refusal(r.Fault, r.Detail) : FaultException.Conflict($"the host was not added: {refused}");
        }
    }

    private async Task<HostView?> Host(Guid id, CancellationToken cancel) =>
        await world.Read.Get(Kinds.Host, id, cancel) is { } document ? WireJson.Read<HostView>(document.Json) : null;

    private static byte[] KeyOf(string signingRequest) => SHA256.HashData(
        CertificateRequest.LoadSigningRequestPem(signingRequest, HashAlgorithmName.SHA256).PublicKey.ExportSubjectPublicKeyInfo());

    private static X509Certificate2Collection Authorities(string pem)
    {
        var bundle = new X509Certificate2Collection();
        bundle.ImportFromPem(pem);
        return bundle;
    }

    private static Task Refuse(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new JoinRefusal(why), Json.JoinRefusal, "application/json", context.RequestAborted);
    }
}
