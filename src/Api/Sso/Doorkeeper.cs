using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Orchestrator.Api.Access;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Sso;

/// <summary>
/// Lets requests in: by bearer token, by user and password, or by the cookie of a session. A session is a token in a cookie, so
/// it is good on every node; a request with it that does not say "Prefer: persistent-auth" is its last one.
/// </summary>
public sealed class Doorkeeper(
    Tokens tokens, Login login, RightsCache rights, ITokenRevocations revocations, ApiOptions options, TimeProvider clock)
{
    private const string Cookie = "JSESSIONID";

    /// <exception cref="FaultException">401, also when the account was removed or disabled since; 429 while a guesser has to wait.</exception>
    public async Task<(Identity User, Rights Rights)> Authenticate(HttpContext context, CancellationToken cancel)
    {
        var prefer = context.Request.Headers["Prefer"].ToString();
        var persistent = prefer.Contains("persistent-auth", StringComparison.OrdinalIgnoreCase);
        var session = prefer.Contains("new-auth", StringComparison.OrdinalIgnoreCase) ? null : SessionOf(context);
        var user = session?.User ?? await Recognize(context, cancel);
        var may = await rights.Of(user.Id, cancel) ?? throw Unauthorized($"The account {user.Name} was removed or disabled");
        // Of a password, not of a token: that one would never end.
        if (persistent && (session is not null || BasicOf(context) is not null)) Keep(context, user, session);
        else if (session is not null) await End(context, session, cancel);
        return (user, may);
    }

    /// <summary>User and password of the Authorization header, or null.</summary>
    public static (string User, string Password)? BasicOf(HttpContext context) =>
        AuthenticationHeaderValue.TryParse(context.Request.Headers.Authorization.ToString(), out var authorization)
        && authorization.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase)
            ? Credentials(authorization.Parameter)
            : null;

    /// <summary>The session that the cookie names, unless the header names somebody else.</summary>
    private Token? SessionOf(HttpContext context)
    {
        if (context.Request.Cookies[Cookie] is not { } cookie || tokens.Read(cookie) is not { } session) return null;
        return context.Request.Headers.Authorization.Count == 0 || BasicOf(context)?.User == session.User.Name ? session : null;
    }

    private void Keep(HttpContext context, Identity user, Token? session)
    {
        // Renewed when half of its time is over: not with each request, and never while it is used too late.
        if (session is not null && clock.GetUtcNow() - session.Issued < (session.Expires - session.Issued) / 2) return;
        var life = session is not null ? session.Expires - session.Issued
            : int.TryParse(context.Request.Headers["Session-TTL"], out var minutes) && minutes > 0 ? TimeSpan.FromMinutes(minutes)
            : options.SessionLife;
        if (life > options.TokenLife) life = options.TokenLife;
        context.Response.Cookies.Append(Cookie, tokens.Give(user, life), Settings(context));
    }

    private async Task End(HttpContext context, Token session, CancellationToken cancel)
    {
        await revocations.Revoke(session.Id, session.Expires, cancel);
        context.Response.Cookies.Delete(Cookie, Settings(context));
    }

    private static CookieOptions Settings(HttpContext context) => new()
    {
        HttpOnly = true,
        Secure = context.Request.IsHttps,
        SameSite = SameSiteMode.Strict,
        Path = "/ovirt-engine/api",
    };

    private async Task<Identity> Recognize(HttpContext context, CancellationToken cancel)
    {
        var header = context.Request.Headers.Authorization.ToString();
        if (header.Length == 0) throw Unauthorized("This needs a token or a user and password");
        if (!AuthenticationHeaderValue.TryParse(header, out var authorization))
            throw Unauthorized("The Authorization header cannot be read");
        if (authorization.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            return tokens.Read(authorization.Parameter ?? "")?.User
                ?? throw Unauthorized("The token is not valid, has expired or was revoked; get another one at "
                    + "/ovirt-engine/sso/oauth/token");
        if (!authorization.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
            throw Unauthorized($"Authentication by {authorization.Scheme} is not here; use Bearer or Basic");

        var (user, password) = Credentials(authorization.Parameter);
        return await login.Check(user, password, AddressOf(context), cancel) switch
        {
            LoginResult.Welcome welcome => welcome.User,
            LoginResult.TryLater later => throw new FaultException(429, FaultException.OperationFailed,
                "Too many wrong passwords; wait and try again")
            {
                RetryAfter = Math.Max(1, (int)Math.Ceiling(later.Wait.TotalSeconds)),
            },
            LoginResult.Away away => throw new FaultException(503, FaultException.OperationFailed, away.Why) { RetryAfter = 30 },
            _ => throw Unauthorized("The user name or password is incorrect"),
        };
    }

    public static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";

    private static (string User, string Password) Credentials(string? parameter)
    {
        var bytes = new byte[(parameter ?? "").Length];
        if (!Convert.TryFromBase64String(parameter ?? "", bytes, out var length))
            throw Unauthorized("The Authorization header is not valid base64");
        var text = Encoding.UTF8.GetString(bytes, 0, length);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? throw Unauthorized("The Authorization header has no user:password")
            : (text[..colon], text[(colon + 1)..]);
    }

    private static FaultException Unauthorized(string sentence) => new(401, "Unauthorized", sentence);
}
