using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Orchestrator.Api.Sso;

namespace Orchestrator.Tests.Api;

/// <summary>Sessions in cookies, logins of browsers, and accounts that are locked.</summary>
public sealed class SessionTests : IAsyncLifetime
{
    private const string Back = "https://portal.example/back?x=1";
    private const string Authorize = "/ovirt-engine/sso/oauth/authorize";
    private readonly TestApi _api = new();
    private HttpClient Browser { get; set; } = null!;

    public async Task InitializeAsync()
    {
        _api.Options = _api.Options with { Clients = [new OAuthClient("portal", "portal-secret", [Back])], MaxFailures = 100, AccountFailures = 6 };
        await _api.InitializeAsync();
        Browser = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = _api.Stranger.BaseAddress };
    }

    public async Task DisposeAsync()
    {
        Browser.Dispose();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task A_session_stands_for_the_password_until_a_request_does_not_prefer_it()
    {
        var cookie = await Session();
        Assert.Equal(HttpStatusCode.OK, (await Get(cookie, prefer: "persistent-auth")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get(cookie, prefer: "persistent-auth,new-auth")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Get(cookie, prefer: null)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get(cookie, prefer: "persistent-auth")).StatusCode);
    }

    [Fact]
    public async Task A_session_is_renewed_by_use_and_ends_without_it()
    {
        var cookie = await Session(minutes: 10);
        _api.Clock.Now += TimeSpan.FromMinutes(4);
        Assert.False((await Get(cookie, "persistent-auth")).Headers.Contains("Set-Cookie"));
        _api.Clock.Now += TimeSpan.FromMinutes(2);
        var renewed = CookieOf(await Get(cookie, "persistent-auth"));
        _api.Clock.Now += TimeSpan.FromMinutes(5);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get(cookie, "persistent-auth")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Get(renewed, "persistent-auth")).StatusCode);
    }

    [Fact]
    public async Task Without_the_wish_there_is_no_session()
    {
        var answer = await _api.Client.GetAsync("/ovirt-engine/api/vms");
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task ABrowser_logs_in_for_a_client_with_a_code_that_is_good_once()
    {
        var page = await Browser.GetAsync(Address());
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("frame-ancestors 'none'", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var wrong = await Browser.PostAsync(Address(), Form(("username", TestApi.User), ("password", "<script>")));
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        Assert.DoesNotContain("<script>", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var code = await Code();
        Assert.Equal("unauthorized_client", await Refused(code, "portal", "wrong", Back));
        Assert.Equal("invalid_grant", await Refused(code, "portal", "portal-secret", "https://other.example/"));
        var token = JsonNode.Parse(await (await Fetch(code, "portal", "portal-secret", Back)).Content.ReadAsStringAsync())!;
        var request = new HttpRequestMessage(HttpMethod.Get, "/ovirt-engine/api/vms");
        request.Headers.Authorization = new("Bearer", (string)token["access_token"]!);
        Assert.Equal(HttpStatusCode.OK, (await Browser.SendAsync(request)).StatusCode);
        Assert.Equal("invalid_grant", await Refused(code, "portal", "portal-secret", Back));
        code = await Code();
        _api.Clock.Now += AuthorizationCodes.Life;
        Assert.Equal("invalid_grant", await Refused(code, "portal", "portal-secret", Back));
    }

    [Theory]
    [InlineData("portal", "https://portal.example/back")]
    [InlineData("portal", "https://portal.example/back?x=1&y")]
    [InlineData("portal", "https://evil.example/")]
    [InlineData("stranger", Back)]
    public async Task Nobody_is_sent_to_an_address_that_is_not_configured(string client, string redirect)
    {
        foreach (var answer in new[] { await Browser.GetAsync(Address(client, redirect)), await Browser.PostAsync(Address(client, redirect), Form(("username", TestApi.User), ("password", TestApi.Password))) })
        {
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Null(answer.Headers.Location);
        }
    }

    [Fact]
    public async Task A_locked_account_is_let_in_by_an_administrator_again()
    {
        const string guest = "guest@internal";
        for (var guess = 0; guess < 6; guess++) Assert.Equal(HttpStatusCode.Unauthorized, (await As(guest, "wrong")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await As(guest, TestApi.Password)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await As(TestApi.User, TestApi.Password)).StatusCode);
        var id = _api.Users.All.Single(user => user.Name == guest).Id;
        Assert.Equal(HttpStatusCode.OK, (await _api.Post($"/users/{id}/enable", "<action/>")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await As(guest, TestApi.Password)).StatusCode);
    }

    private async Task<string> Session(int? minutes = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/ovirt-engine/api/vms");
        request.Headers.Authorization = TestApi.Basic(TestApi.User, TestApi.Password);
        request.Headers.Add("Prefer", "persistent-auth");
        if (minutes is not null) request.Headers.Add("Session-TTL", $"{minutes}");
        return CookieOf(await Browser.SendAsync(request));
    }

    private static string CookieOf(HttpResponseMessage answer)
    {
        var cookie = answer.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        return cookie.Split(';')[0];
    }

    private Task<HttpResponseMessage> Get(string cookie, string? prefer)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/ovirt-engine/api/vms");
        request.Headers.Add("Cookie", cookie);
        if (prefer is not null) request.Headers.Add("Prefer", prefer);
        return Browser.SendAsync(request);
    }

    private Task<HttpResponseMessage> As(string user, string password)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/ovirt-engine/api");
        request.Headers.Authorization = TestApi.Basic(user, password);
        return Browser.SendAsync(request);
    }

    private static string Address(string client = "portal", string redirect = Back) => QueryHelpers.AddQueryString(Authorize, new Dictionary<string, string?>
    {
        ["client_id"] = client,
        ["redirect_uri"] = redirect,
        ["response_type"] = "code",
        ["scope"] = "ovirt-app-api",
        ["state"] = "s t",
    });

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    private async Task<string> Code()
    {
        var answer = await Browser.PostAsync(Address(), Form(("username", TestApi.User), ("password", TestApi.Password)));
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.StartsWith(Back + "&", answer.Headers.Location!.OriginalString, StringComparison.Ordinal);
        var query = QueryHelpers.ParseQuery(answer.Headers.Location.Query);
        Assert.Equal("s t", query["state"]);
        return query["code"]!;
    }

    private Task<HttpResponseMessage> Fetch(string code, string client, string secret, string redirect)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/ovirt-engine/sso/oauth/token")
        {
            Content = Form(("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect)),
        };
        request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{client}:{secret}")));
        return Browser.SendAsync(request);
    }

    private async Task<string> Refused(string code, string client, string secret, string redirect)
    {
        var answer = await Fetch(code, client, secret, redirect);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["error"]!;
    }
}
