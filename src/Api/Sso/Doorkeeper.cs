using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Orchestrator.Api.Access;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Sso;

/// <summary>Lets requests in: by bearer token, or by user and password.</summary>
public sealed class Doorkeeper(Tokens tokens, Login login, RightsCache rights)
{
    /// <exception cref="FaultException">401, also when the account was removed or disabled since; 429 while a guesser has to wait.</exception>
    public async Task<(Identity User, Rights Rights)> Authenticate(HttpContext context, CancellationToken cancel)
    {
        var user = await Recognize(context, cancel);
        return (user, await rights.Of(user.Id, cancel) ?? throw Unauthorized($"The account {user.Name} was removed or disabled"));
    }

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
                "Too many wrong passwords from this address; wait and try again")
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
