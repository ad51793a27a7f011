using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>
/// A client of oVirt's REST API v4, in JSON. Reads are tried on every node until one answers; a command is sent to one
/// node, because the client cannot know whether a lost answer's command was done.
/// </summary>
public sealed class EngineApi : IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri[] _nodes;
    private AuthenticationHeaderValue? _token;
    private int _preferred;

    public EngineApi(Installation installation)
    {
        _nodes = [.. installation.Nodes.Select(installation.NodeAddress)];
        var trust = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        trust.CustomTrustStore.Add(installation.Authority);
        _http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust },
            ConnectTimeout = TimeSpan.FromSeconds(2),
        })
        {
            Timeout = TimeSpan.FromSeconds(50),
        };
    }

    public IReadOnlyList<Uri> Nodes => _nodes;

    /// <summary>Asks for a token as oVirt's SDKs do; returns when it ends, in UTC.</summary>
    public async Task<DateTimeOffset> LogIn(string user, string password)
    {
        using var answer = await FromAnyNode(node => new HttpRequestMessage(
            HttpMethod.Post, new Uri(node, "ovirt-engine/sso/oauth/token"))
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "password",
                ["scope"] = "ovirt-app-api",
                ["username"] = user,
                ["password"] = password,
            }),
            Headers = { Accept = { new MediaTypeWithQualityHeaderValue("application/json") } },
        });
        var body = await Body(answer, "the token");
        _token = new AuthenticationHeaderValue("Bearer", Text(body, "access_token"));
        return DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(Text(body, "exp"), CultureInfo.InvariantCulture));
    }

    public async Task<JsonNode> Get(string path)
    {
        using var answer = await FromAnyNode(node => Request(HttpMethod.Get, new Uri(node, path)));
        return await Body(answer, path);
    }

    /// <summary>The answer, or null where the object is not there.</summary>
    public async Task<JsonNode?> Find(string path)
    {
        using var answer = await FromAnyNode(node => Request(HttpMethod.Get, new Uri(node, path)));
        return answer.StatusCode == HttpStatusCode.NotFound ? null : await Body(answer, path);
    }

    /// <summary>Sends a command to a node that answers connections.</summary>
    public async Task<JsonNode> Send(HttpMethod method, string path, JsonNode? body = null)
    {
        using var answer = await FromAnyNode(node => Request(method, new Uri(node, path), body));
        return await Body(answer, $"{method} {path}");
    }

    /// <summary>Sends a command to this node only; true when it was answered with success.</summary>
    public async Task<bool> Try(Uri node, HttpMethod method, string path, JsonNode? body, CancellationToken cancel)
    {
        try
        {
            using var answer = await _http.SendAsync(Request(method, new Uri(node, path), body), cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Sends what it is given, with the token, and answers whatever comes.</summary>
    public async Task<HttpResponseMessage> Raw(HttpRequestMessage request, TimeSpan limit)
    {
        request.Headers.Authorization = _token;
        using var end = new CancellationTokenSource(limit);
        return await _http.SendAsync(request, end.Token);
    }

    public static string Text(JsonNode? node, string name) =>
        node?[name]?.ToString() ?? throw new DemoException($"The engine's answer has no '{name}': {node?.ToJsonString()}");

    /// <summary>The elements of a collection; oVirt writes an empty one as {}.</summary>
    public static IEnumerable<JsonNode> Items(JsonNode collection, string name) =>
        collection[name]?.AsArray().OfType<JsonNode>() ?? [];

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(HttpMethod method, Uri address, JsonNode? body = null)
    {
        var request = new HttpRequestMessage(method, address);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Authorization = _token;
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        return request;
    }

    /// <summary>Only a connection that could not be made is tried elsewhere, and any read.</summary>
    private async Task<HttpResponseMessage> FromAnyNode(Func<Uri, HttpRequestMessage> request)
    {
        HttpRequestException? last = null;
        for (var attempt = 0; attempt < 2 * _nodes.Length; attempt++)
        {
            var node = _nodes[_preferred % _nodes.Length];
            using var message = request(node);
            try
            {
                return await _http.SendAsync(message);
            }
            catch (HttpRequestException e) when (message.Method == HttpMethod.Get
                || e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError)
            {
                last = e;
                _preferred++;
            }
        }

        throw new DemoException($"No engine node answers: {last?.Message}");
    }

    private static async Task<JsonNode> Body(HttpResponseMessage answer, string what)
    {
        var text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode)
            throw new DemoException($"{what}: HTTP {(int)answer.StatusCode} {string.Join(' ', text.Split())}");
        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }
}
