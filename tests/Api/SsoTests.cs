using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Orchestrator.Api.Sso;

namespace Orchestrator.Tests.Api;

public sealed class SsoTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task A_token_opens_the_api_until_it_expires()
    {
        var answer = await Token();
        Assert.Equal("bearer", (string?)answer["token_type"]);
        var expires = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse((string)answer["exp"]!));
        Assert.Equal(_api.Clock.Now + _api.Options.TokenLife, expires);

        var token = (string)answer["access_token"]!;
        Assert.Equal(HttpStatusCode.OK, (await With(token)).StatusCode);
        _api.Clock.Now = expires;
        var refused = await With(token);
        Assert.Equal("Basic realm=\"RESTAPI\"", refused.Headers.WwwAuthenticate.ToString());
        Assert.Contains("expired", await TestApi.FaultOf(refused, HttpStatusCode.Unauthorized), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/ovirt-engine/sso/oauth/revoke")]
    [InlineData("/ovirt-engine/services/sso-logout")]
    public async Task A_revoked_token_is_refused(string path)
    {
        var token = (string)(await Token())["access_token"]!;
        var logout = await Form(path, ("scope", "ovirt-app-api"), ("token", token));
        Assert.Equal(HttpStatusCode.OK, logout.StatusCode);
        Assert.Equal("{}", await logout.Content.ReadAsStringAsync());
        await TestApi.FaultOf(await With(token), HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_with_one_letter_changed_is_refused()
    {
        var token = (string)(await Token())["access_token"]!;
        for (var at = 0; at < token.Length; at += 7)
        {
            var forged = token[..at] + (token[at] == 'A' ? 'B' : 'A') + token[(at + 1)..];
            await TestApi.FaultOf(await With(forged), HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task A_token_of_another_key_is_refused()
    {
        var other = new Tokens(Enumerable.Repeat((byte)9, 32).ToArray(), new FakeRevocations(), _api.Clock);
        var token = other.Give(new Identity(Guid.NewGuid(), TestApi.User, true), TimeSpan.FromHours(1));
        await TestApi.FaultOf(await With(token), HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("ovirt-app-api", "error_code", "access_denied")]
    [InlineData("ovirt-app-api ovirt-ext=token:password-access", "error", "invalid_grant")]
    public async Task A_wrong_password_is_told_in_the_form_of_the_scope(string scope, string field, string code)
    {
        var response = await Form("/ovirt-engine/sso/oauth/token", ("grant_type", "password"), ("scope", scope),
            ("username", TestApi.User), ("password", "wrong"));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var json = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(code, (string?)json[field]);
    }

    [Theory]
    [InlineData("client_credentials", "ovirt-app-api", "unsupported_grant_type")]
    [InlineData("", "ovirt-app-api", "invalid_request")]
    [InlineData("password", "openid", "invalid_scope")]
    public async Task Other_grants_and_scopes_are_refused_by_name(string grant, string scope, string code)
    {
        var response = await Form("/ovirt-engine/sso/oauth/token", ("grant_type", grant), ("scope", scope),
            ("username", TestApi.User), ("password", TestApi.Password));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains($"\"{code}\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_info_tells_the_user_of_a_valid_token_only()
    {
        var token = (string)(await Token())["access_token"]!;
        var info = await Form("/ovirt-engine/sso/oauth/token-info", ("token", token));
        Assert.Equal(TestApi.User, (string?)JsonNode.Parse(await info.Content.ReadAsStringAsync())!["user_id"]);
        var bad = await Form("/ovirt-engine/sso/oauth/token-info", ("token", "nonsense"));
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
    }

    [Fact]
    public async Task Basic_authentication_pays_the_slow_hash_once_a_minute()
    {
        for (var request = 0; request < 3; request++) await _api.GetXml("/vms");
        Assert.Equal(1, _api.Users.Verifications);
        _api.Clock.Now += TimeSpan.FromSeconds(61);
        await _api.GetXml("/vms");
        Assert.Equal(2, _api.Users.Verifications);
    }

    [Fact]
    public async Task Nobody_gets_in_without_credentials_or_with_wrong_ones()
    {
        var nothing = await _api.Stranger.GetAsync("/ovirt-engine/api");
        await TestApi.FaultOf(nothing, HttpStatusCode.Unauthorized);
        _api.Stranger.DefaultRequestHeaders.Authorization = TestApi.Basic(TestApi.User, "wrong");
        await TestApi.FaultOf(await _api.Stranger.GetAsync("/ovirt-engine/api/vms"), HttpStatusCode.Unauthorized);
        _api.Stranger.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", "!!!");
        await TestApi.FaultOf(await _api.Stranger.GetAsync("/ovirt-engine/api/vms"), HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_guesser_has_to_wait_and_even_the_right_password_does_not_help_meanwhile()
    {
        _api.Stranger.DefaultRequestHeaders.Authorization = TestApi.Basic(TestApi.User, "wrong");
        for (var guess = 0; guess < _api.Options.MaxFailures; guess++)
            await TestApi.FaultOf(await _api.Stranger.GetAsync("/ovirt-engine/api"), HttpStatusCode.Unauthorized);
        var verified = _api.Users.Verifications;
        var waiting = await _api.Client.GetAsync("/ovirt-engine/api");
        Assert.Equal((HttpStatusCode)429, waiting.StatusCode);
        Assert.NotNull(waiting.Headers.RetryAfter);
        Assert.Equal(verified, _api.Users.Verifications);
        _api.Clock.Now += _api.Options.LockOut;
        Assert.Equal(HttpStatusCode.OK, (await _api.Client.GetAsync("/ovirt-engine/api")).StatusCode);
    }

    [Fact]
    public async Task A_user_without_rights_sees_the_entry_point_only()
    {
        _api.Stranger.DefaultRequestHeaders.Authorization = TestApi.Basic("guest@internal", TestApi.Password);
        var entry = await TestApi.Xml(await _api.Stranger.GetAsync("/ovirt-engine/api"), HttpStatusCode.OK);
        Assert.Null(entry.Element("summary"));
        Assert.Empty((await TestApi.Xml(await _api.Stranger.GetAsync("/ovirt-engine/api/vms"), HttpStatusCode.OK)).Elements());
        Assert.Equal(HttpStatusCode.Forbidden, (await _api.Stranger.GetAsync("/orchestrator/status")).StatusCode);
    }

    [Fact]
    public void A_password_hash_knows_its_password_only()
    {
        var hash = PasswordHash.Make("s3cret");
        Assert.DoesNotContain("s3cret", hash, StringComparison.Ordinal);
        Assert.True(PasswordHash.Verify(hash, "s3cret"));
        Assert.False(PasswordHash.Verify(hash, "s3creT"));
        Assert.False(PasswordHash.Verify("damaged", "s3cret"));
        Assert.True(PasswordHash.Rounds >= 210_000);
    }

    private async Task<JsonNode> Token()
    {
        var response = await Form("/ovirt-engine/sso/oauth/token", ("grant_type", "password"),
            ("scope", "ovirt-app-api"), ("username", TestApi.User), ("password", TestApi.Password));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private Task<HttpResponseMessage> Form(string path, params (string Name, string Value)[] fields) =>
        _api.Stranger.PostAsync(path, new FormUrlEncodedContent(
            fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));

    private Task<HttpResponseMessage> With(string token)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/ovirt-engine/api/vms");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        return _api.Stranger.SendAsync(request);
    }
}
