using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>What a client may believe after its last word with the server.</summary>
public enum Outcome
{
    /// <summary>2xx: the effect must be found.</summary>
    Accepted,

    /// <summary>4xx and no attempt before it was in doubt: nothing may be found.</summary>
    Refused,

    /// <summary>An attempt was lost on its way, or answered 5xx: both must be legal.</summary>
    Unknown,
}

/// <summary>What a client does when it does not know whether its command was taken. A second try may meet the late effect
/// of the first: harmless only where nothing else is done to the object.</summary>
public enum InDoubt { TryAgain, Stop }

/// <param name="Node">Index of the node that gave the last answer.</param>
/// <param name="Status">0 when there was no answer at all.</param>
public sealed record Answer(Outcome Outcome, int Node, int Status, string Body, int Attempts, TimeSpan Took)
{
    public bool IsAccepted => Outcome == Outcome.Accepted;

    public JsonNode? Json => string.IsNullOrWhiteSpace(Body) ? null : JsonNode.Parse(Body);

    public TimeSpan? RetryAfter { get; init; }

    public override string ToString() =>
        $"{Outcome} status {Status} of node {Node} after {Attempts} attempts, {Took.TotalSeconds:0.00} s: {Short(Body)}";

    private static string Short(string text) => text.Length > 300 ? text[..300] : text;
}

/// <summary>
/// A client of oVirt's REST API that knows all nodes. It tries the next node when a connection fails or the answer is
/// 503, as a load balancer and a patient operator together would, and says honestly when it does not know.
/// </summary>
public sealed class OvirtClient : IDisposable
{
    private const string Api = "ovirt-engine/api/";

    private readonly HttpClient _http;
    private readonly IReadOnlyList<Uri> _nodes;
    private readonly string _user;
    private readonly string _password;
    private volatile string? _token;

    /// <param name="attemptLimit">How long one attempt may take before another node is tried; a quarter of it to connect.</param>
    public OvirtClient(
        IReadOnlyList<Uri> nodes, string caFile, string user, string password, TimeSpan attemptLimit)
    {
        _nodes = nodes;
        _user = user;
        _password = password;
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(caFile);
        var trust = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        trust.CustomTrustStore.AddRange(authorities);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = attemptLimit / 4,
            ConnectCallback = Connect,
            UseCookies = false,
            AllowAutoRedirect = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = trust,
            },
        })
        {
            Timeout = attemptLimit,
        };
    }

    public int Nodes => _nodes.Count;

    /// <summary>Nodes that let an attempt run into its limit; asked last until they are forgiven.</summary>
    private readonly ConcurrentDictionary<int, bool> _suspects = new();

    /// <summary>Nodes that took the last connection that was tried.</summary>
    private readonly ConcurrentDictionary<(string Host, int Port), bool> _reached = new();

    /// <summary>All nodes are well again, as far as the test knows.</summary>
    public void Forgive() => _suspects.Clear();

    /// <summary>Tries until an answer that ends the matter, at most for <paramref name="patience"/>.</summary>
    /// <param name="first">The node to begin with.</param>
    /// <param name="avoid">A node that is never asked.</param>
    public async Task<Answer> Send(
        HttpMethod method, string path, JsonObject? body, TimeSpan patience, InDoubt inDoubt = InDoubt.TryAgain,
        int first = 0, int? avoid = null, CancellationToken cancel = default)
    {
        var clock = Stopwatch.StartNew();
        var doubt = false;
        var attempts = 0;
        var node = first % _nodes.Count;
        Answer last;
        while (true)
        {
            node = Choose(node, avoid);
            attempts++;
            last = await Once(node, method, path, body, cancel);
            last = last with { Attempts = attempts, Took = clock.Elapsed };
            switch (last.Outcome)
            {
                case Outcome.Accepted:
                    return last;
                case Outcome.Refused when last.Status == 0:
                    break;
                case Outcome.Refused:
                    return doubt && method != HttpMethod.Get ? last with { Outcome = Outcome.Unknown } : last;
                default:
                    doubt = true;
                    if (last.Status == 500 || (inDoubt == InDoubt.Stop && method != HttpMethod.Get)) return last;
                    break;
            }

            if (clock.Elapsed >= patience) break;
            var pause = last.RetryAfter is { } asked && asked < TimeSpan.FromSeconds(1)
                ? asked
                : TimeSpan.FromMilliseconds(last.Status == 503 ? 250 : 50);
            await Wait.Pass(pause, cancel);
            node = (node + 1) % _nodes.Count;
        }

        return last with { Outcome = doubt ? Outcome.Unknown : Outcome.Refused, Took = clock.Elapsed };
    }

    /// <summary>One attempt on one node. Status 0 with <see cref="Outcome.Refused"/> means that the request never left
    /// (connection refused), with <see cref="Outcome.Unknown"/> that its fate is open.</summary>
    public async Task<Answer> Once(
        int node, HttpMethod method, string path, JsonObject? body, CancellationToken cancel = default)
    {
        var clock = Stopwatch.StartNew();
        // .NET sends a request again by itself when the connection that carried it breaks: that the second one is refused
        // says nothing of the first.
        var mayHaveLeft = _reached.ContainsKey((_nodes[node].Host, _nodes[node].Port));
        try
        {
            var token = _token ?? await Login(node, cancel);
            var answer = await Exchange(node, method, path, body, token, clock, cancel);
            if (answer.Status != 401) return answer;
            token = await Login(node, cancel);
            return await Exchange(node, method, path, body, token, clock, cancel);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError)
        {
            return new Answer(mayHaveLeft ? Outcome.Unknown : Outcome.Refused, node, 0, e.Message, 1, clock.Elapsed);
        }
        catch (LoginUnavailableException e)
        {
            _suspects[node] = true;
            return new Answer(Outcome.Refused, node, 0, e.Message, 1, clock.Elapsed);
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            if (e is OperationCanceledException) _suspects[node] = true;
            return new Answer(Outcome.Unknown, node, 0, e.Message, 1, clock.Elapsed);
        }
    }

    /// <summary>Comes without a token, and answers the status with which the node sends it away.</summary>
    public async Task<int> Knock(int node)
    {
        using var response = await _http.GetAsync(new Uri(_nodes[node], Api));
        return (int)response.StatusCode;
    }

    /// <summary>Asks the SSO service of a node for a new token and keeps it for all of them.</summary>
    public async Task<string> Login(int node, CancellationToken cancel = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_nodes[node], "ovirt-engine/sso/oauth/token"))
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "password",
                ["scope"] = "ovirt-app-api",
                ["username"] = _user,
                ["password"] = _password,
            }),
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        try
        {
            using var response = await _http.SendAsync(request, cancel);
            var text = await response.Content.ReadAsStringAsync(cancel);
            if (!response.IsSuccessStatusCode)
            {
                throw new LoginUnavailableException($"token refused: {(int)response.StatusCode} {text}");
            }

            return _token = JsonNode.Parse(text)!["access_token"]!.GetValue<string>();
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException
            || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new LoginUnavailableException($"no token: {e.Message}");
        }
    }

    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancel);
            _reached[(host, port)] = true;
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            _reached.TryRemove((host, port), out _);
            socket.Dispose();
            throw;
        }
    }

    private int Choose(int wanted, int? avoid)
    {
        var order = Enumerable.Range(wanted, _nodes.Count).Select(n => n % _nodes.Count).Where(n => n != avoid).ToList();
        return order[Math.Max(order.FindIndex(n => !_suspects.ContainsKey(n)), 0)];
    }

    private async Task<Answer> Exchange(
        int node, HttpMethod method, string path, JsonObject? body, string token, Stopwatch clock,
        CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, new Uri(_nodes[node], Api + path));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        using var response = await _http.SendAsync(request, cancel);
        var text = await response.Content.ReadAsStringAsync(cancel);
        var outcome = (int)response.StatusCode switch
        {
            < 300 => Outcome.Accepted,
            < 500 => Outcome.Refused,
            _ => Outcome.Unknown,
        };
        return new Answer(outcome, node, (int)response.StatusCode, text, 1, clock.Elapsed)
        {
            RetryAfter = response.Headers.RetryAfter?.Delta,
        };
    }

    private sealed class LoginUnavailableException(string message) : Exception(message);
}
