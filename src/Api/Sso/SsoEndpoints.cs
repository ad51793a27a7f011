using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Sso;

/// <summary>
/// oVirt's token endpoints. A client that asks for the scope ovirt-app-api alone gets errors as
/// {"error_code","error"}; one that asks for more (as the SDKs for extensions do) gets OAuth's
/// {"error","error_description"}.
/// </summary>
public sealed class SsoEndpoints(
    Tokens tokens, ITokenRevocations revocations, Login login, AuthorizationCodes codes, Access.RightsCache rights, ApiOptions options)
{
    private const string ApiScope = "ovirt-app-api";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/ovirt-engine/sso/oauth/token", Guarded(Token));
        routes.MapPost("/ovirt-engine/sso/oauth/revoke", Guarded(Revoke));
        routes.MapPost("/ovirt-engine/sso/oauth/token-info", Guarded(TokenInfo));
        routes.MapPost("/ovirt-engine/services/sso-logout", Guarded(Revoke));
    }

    private async Task Token(HttpContext context, IFormCollection form)
    {
        var scope = form["scope"].ToString();
        var grant = form["grant_type"].ToString();
        if (grant.Length == 0)
        {
            await Refuse(context, scope, "invalid_request", "The grant_type is missing; send grant_type=password");
            return;
        }

        if (grant == "authorization_code")
        {
            await TokenForCode(context, form, scope);
            return;
        }

        if (grant != "password")
        {
            await Refuse(context, scope, "unsupported_grant_type", $"The grant_type {grant} is not here; use password or authorization_code");
            return;
        }

        if (!scope.Split(' ', StringSplitOptions.RemoveEmptyEntries).Contains(ApiScope))
        {
            await Refuse(context, scope, "invalid_scope", $"The scope must contain {ApiScope}");
            return;
        }

        var user = form["username"].ToString();
        var password = form["password"].ToString();
        if (user.Length == 0 || password.Length == 0)
        {
            await Refuse(context, scope, "invalid_request", "username and password are both needed");
            return;
        }

        switch (await login.Check(user, password, Doorkeeper.AddressOf(context), context.RequestAborted))
        {
            case LoginResult.Welcome welcome:
                await Welcome(context, scope, welcome.User);
                break;
            case LoginResult.TryLater later:
                context.Response.Headers.RetryAfter =
                    Math.Ceiling(later.Wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
                await Refuse(context, scope, Denied(scope),
                    "Too many wrong passwords; wait and try again");
                break;
            case LoginResult.Away away:
                context.Response.Headers.RetryAfter = "30";
                await Refuse(context, scope, "server_error", away.Why, 503);
                break;
            default:
                await Refuse(context, scope, Denied(scope),
                    $"Cannot authenticate user '{user}': the user name or password is incorrect");
                break;
        }
    }

    private async Task TokenForCode(HttpContext context, IFormCollection form, string scope)
    {
        var (id, secret) = (form["client_id"].ToString(), form["client_secret"].ToString());
        if (Doorkeeper.BasicOf(context) is { } basic) (id, secret) = basic;
        if (options.Clients.FirstOrDefault(known => known.Id == id) is not { } client || !client.Proves(secret))
        {
            await Refuse(context, scope, "unauthorized_client", "The client is not known, or its secret is wrong");
            return;
        }

        var user = await codes.Use(form["code"].ToString(), client.Id, form["redirect_uri"].ToString(), context.RequestAborted);
        if (user is null || await rights.Of(user.Id, context.RequestAborted) is null)
            await Refuse(context, "", "invalid_grant", "The code is not this client's, was used before, or is older than a minute");
        else
            await Welcome(context, scope.Length > 0 ? scope : ApiScope, user);
    }

    private Task Welcome(HttpContext context, string scope, Identity user)
    {
        var text = tokens.Give(user, options.TokenLife);
        var expires = tokens.Read(text)!.Expires.ToUnixTimeMilliseconds();
        return Write(context, 200, json =>
        {
            json.WriteString("access_token", text);
            json.WriteString("scope", scope);
            json.WriteString("exp", expires.ToString(CultureInfo.InvariantCulture));
            json.WriteString("token_type", "bearer");
        });
    }

    /// <summary>Giving back a token that is not valid any more is no error: its holder is logged out.</summary>
    private async Task Revoke(HttpContext context, IFormCollection form)
    {
        if (tokens.Read(form["token"].ToString()) is { } token)
            await revocations.Revoke(token.Id, token.Expires, context.RequestAborted);
        await Write(context, 200, _ => { });
    }

    private async Task TokenInfo(HttpContext context, IFormCollection form)
    {
        var scope = form["scope"].ToString();
        if (tokens.Read(form["token"].ToString()) is not { } token || await rights.Of(token.User.Id, context.RequestAborted) is null)
        {
            await Refuse(context, scope, "invalid_token", "The token is not valid, has expired or was revoked");
            return;
        }

        await Write(context, 200, json =>
        {
            json.WriteBoolean("active", true);
            json.WriteString("token_type", "bearer");
            json.WriteString("scope", ApiScope);
            json.WriteString("user_id", token.User.Name);
            json.WriteString("exp", token.Expires.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));
        });
    }

    private static string Denied(string scope) => scope.Trim() == ApiScope ? "access_denied" : "invalid_grant";

    private static Task Refuse(HttpContext context, string scope, string code, string sentence, int status = 400) =>
        Write(context, status, json =>
        {
            var plain = scope.Trim() == ApiScope;
            json.WriteString(plain ? "error_code" : "error", code);
            json.WriteString(plain ? "error" : "error_description", sentence);
        });

    private static async Task Write(HttpContext context, int status, Action<Utf8JsonWriter> fields)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        fields(json);
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    /// <summary>Reads the form, and answers OAuth's errors for what cannot be read and for a store that is
    /// away.</summary>
    private RequestDelegate Guarded(Func<HttpContext, IFormCollection, Task> endpoint) => async context =>
    {
        try
        {
            if (!context.Request.HasFormContentType)
            {
                await Refuse(context, "", "invalid_request", "Send application/x-www-form-urlencoded");
                return;
            }

            if (context.Request.ContentLength > options.MaxBodyBytes)
            {
                await Refuse(context, "", "invalid_request", $"The form is larger than {options.MaxBodyBytes} bytes");
                return;
            }

            await endpoint(context, await context.Request.ReadFormAsync(context.RequestAborted));
        }
        catch (Exception unreadable) when (unreadable is InvalidDataException or BadHttpRequestException)
        {
            await Refuse(context, "", "invalid_request", $"The form cannot be read: {unreadable.Message}");
        }
        catch (Exception away) when (Dispatcher.IsStoreAway(away))
        {
            context.Response.Headers.RetryAfter =
                Math.Ceiling(options.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await Write(context, 503, json =>
            {
                json.WriteString("error", "server_error");
                json.WriteString("error_description", "The engine's database does not answer now; ask again shortly");
            });
        }
    };
}
