using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Sso;

/// <summary>Where browsers log in for a client: OAuth's authorization code. Nothing is sent to an address that the client's
/// configuration does not name.</summary>
public sealed class LoginPage(AuthorizationCodes codes, Login login, ApiOptions options)
{
    private const string Path = "/ovirt-engine/sso/oauth/authorize";
    private const int MaxBody = 16 << 10;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, (RequestDelegate)(context => Answer(context, form: null)));
        routes.MapPost(Path, (RequestDelegate)Post);
    }

    private async Task Post(HttpContext context)
    {
        if (!context.Request.HasFormContentType || context.Request.ContentLength is null or > MaxBody)
        {
            await Page(context, 400, "<p>This page takes its own form only.</p>", "'none'");
            return;
        }

        await Answer(context, await context.Request.ReadFormAsync(context.RequestAborted));
    }

    private async Task Answer(HttpContext context, IFormCollection? form)
    {
        var query = context.Request.Query;
        var redirect = query["redirect_uri"].ToString();
        var client = options.Clients.FirstOrDefault(known => known.Id == query["client_id"].ToString());
        if (client is null || !client.Redirects.Contains(redirect))
        {
            // Not even an error goes there: it may be anybody's.
            await Page(context, 400, "<p>The program that sent you here is not known to this engine, or wants you sent to an address that it is not known by.</p>", "'none'");
            return;
        }

        var state = query["state"].ToString();
        if (query["response_type"].ToString() != "code")
        {
            Send(context, redirect, ("error", "unsupported_response_type"), ("state", state));
            return;
        }

        var target = new Uri(redirect).GetLeftPart(UriPartial.Authority);
        if (form is null)
        {
            await Form(context, 200, "", target);
            return;
        }

        try
        {
            switch (await login.Check(form["username"].ToString(), form["password"].ToString(), Doorkeeper.AddressOf(context), context.RequestAborted))
            {
                case LoginResult.Welcome welcome:
                    Send(context, redirect, ("code", codes.Give(welcome.User, client.Id, redirect)), ("state", state));
                    break;
                case LoginResult.TryLater later:
                    var seconds = Math.Ceiling(later.Wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
                    context.Response.Headers.RetryAfter = seconds;
                    await Form(context, 429, $"Too many wrong passwords; wait {seconds} seconds.", target);
                    break;
                case LoginResult.Away away:
                    await Form(context, 503, away.Why, target);
                    break;
                default:
                    await Form(context, 401, "The user name or password is incorrect.", target);
                    break;
            }
        }
        catch (Exception away) when (Dispatcher.IsStoreAway(away))
        {
            await Form(context, 503, "The engine's database does not answer now; try again shortly.", target);
        }
    }

    private static void Send(HttpContext context, string redirect, params (string Name, string Value)[] fields)
    {
        var query = new QueryBuilder(fields.Where(field => field.Value.Length > 0).Select(field => KeyValuePair.Create(field.Name, field.Value)));
        context.Response.Headers.CacheControl = "no-store";
        var joined = redirect.Contains('?', StringComparison.Ordinal) ? "&" + query.ToString()[1..] : query.ToString();
        context.Response.StatusCode = StatusCodes.Status302Found;
        context.Response.Headers.Location = redirect + joined;
    }

    private static Task Form(HttpContext context, int status, string message, string target) => Page(context, status, $"""
        <form method="post" action="{WebUtility.HtmlEncode(Path + context.Request.QueryString)}">
        <p role="alert">{WebUtility.HtmlEncode(message)}</p>
        <p><label>User (name@profile)<br><input name="username" autocomplete="username" autofocus required></label></p>
        <p><label>Password<br><input name="password" type="password" autocomplete="current-password" required></label></p>
        <p><button>Log in</button></p>
        </form>
        """, $"'self' {target}");

    private static async Task Page(HttpContext context, int status, string body, string formAction)
    {
        var headers = context.Response.Headers;
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        headers.CacheControl = "no-store";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy = $"default-src 'none'; frame-ancestors 'none'; form-action {formAction}";
        await context.Response.WriteAsync(
            $"<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log in</title></head><body><main><h1>Log in</h1>{body}</main></body></html>",
            Encoding.UTF8, context.RequestAborted);
    }
}
