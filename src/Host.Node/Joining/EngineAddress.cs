using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>An engine as a host meets it that knows nothing but a token: the authorities that the engine hands out are taken only
/// if the token names them, and the secret is told only to who has a certificate by one of them.</summary>
internal sealed class EngineAddress(Uri engine, JoinToken token)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The address of this machine on its way to the engine.</summary>
    public async Task<string> OwnAddress(CancellationToken cancel)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(engine.Host.Trim('[', ']'), engine.Port, cancel);
        }
        catch (SocketException e)
        {
            throw new UsageException($"{engine} is not reached: {e.Message}");
        }

        var own = ((System.Net.IPEndPoint)socket.LocalEndPoint!).Address;
        return (own.IsIPv4MappedToIPv6 ? own.MapToIPv4() : own).ToString();
    }

    /// <exception cref="UsageException">Refused, with the engine's words; or not our engine.</exception>
    public async Task<JoinAnswer> Join(JoinRequest request, CancellationToken cancel)
    {
        var authorities = await Authorities(cancel);
        PeerRefusal? refusal = null;
        using var client = Client((_, shown) =>
            (refusal = PeerCertificate.Refuse(shown, [.. authorities], PeerCertificate.EngineRole)) is null);
        return await Asking(async () =>
        {
            using var response = await client.PostAsJsonAsync(
                new Uri(engine, "/orchestrator/v1/hosts/join"), request, AgentJson.Default.JoinRequest, cancel);
            if (response.IsSuccessStatusCode)
                return await response.Content.ReadFromJsonAsync(AgentJson.Default.JoinAnswer, cancel)
                    ?? throw new UsageException($"{engine} answered nothing");
            throw new UsageException(await Words(response, cancel));
        }, () => refusal is null ? null : $"{engine} is not let in: {refusal.Sentence}");
    }

    private async Task<X509Certificate2Collection> Authorities(CancellationToken cancel)
    {
        // Whoever answers here is believed nothing but what the token confirms.
        using var client = Client((_, _) => true);
        var pem = await Asking(() => client.GetStringAsync(
            new Uri(engine, "/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA"), cancel), () => null);
        var bundle = new X509Certificate2Collection();
        try
        {
            bundle.ImportFromPem(pem);
        }
        catch (Exception e) when (e is System.Security.Cryptography.CryptographicException or ArgumentException)
        {
            throw new UsageException($"{engine} handed out no certificates of authorities: {e.Message}; is it an engine?");
        }

        X509Certificate2[] known = [.. bundle.Where(c => token.Authorities.Contains(JoinToken.FingerprintOf(c)))];
        return known.Length > 0
            ? [.. known]
            : throw new UsageException(
                $"{engine} is not the engine that the token is of: its authority is {string.Join(", ", bundle.Select(JoinToken.FingerprintOf))}, and the "
                + $"token names {string.Join(", ", token.Authorities)}. Nothing was told to it. Look at --engine; after a change of the "
                + "authority make a new token");
    }

    private static HttpClient Client(Func<HttpRequestMessage?, X509Certificate2?, bool> believes) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, shown, _, _) => believes(null, LiveCredentials.Copy(shown)),
        },
    })
    {
        Timeout = Patience,
    };

    private async Task<T> Asking<T>(Func<Task<T>> ask, Func<string?> refusal)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or AuthenticationException or JsonException)
        {
            throw new UsageException(refusal() ?? $"{engine} is not reached: {e.GetBaseException().Message}");
        }
    }

    private static async Task<string> Words(HttpResponseMessage response, CancellationToken cancel)
    {
        try
        {
            if (await response.Content.ReadFromJsonAsync(AgentJson.Default.JoinRefusal, cancel) is { } refusal) return $"The engine refuses: {refusal.Error}";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Said below.
        }

        return $"The engine answered HTTP {(int)response.StatusCode}; is it of this version? (0.1.0 lets no hosts join)";
    }
}
