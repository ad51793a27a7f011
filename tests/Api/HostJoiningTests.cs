using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Api;

/// <summary>How hosts come in, as administrators and hosts see it.</summary>
public sealed class HostJoiningTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task An_administrator_makes_a_token_of_which_only_a_hash_is_kept()
    {
        var answer = await Made("cluster=Default&life=60");
        var token = JoinToken.Parse((string)answer["token"]!);
        Assert.Equal(_api.Authority.Fingerprint, Assert.Single(token.Authorities));
        Assert.Equal(_api.Clock.Now.AddSeconds(60), DateTimeOffset.Parse((string)answer["until"]!));
        var kept = Assert.Single(_api.HostTokens.All);
        Assert.Equal((new ClusterId(TestApi.Cluster), null, TestApi.User, TimeSpan.FromMinutes(1)), (kept.Cluster, kept.Host, kept.MadeBy, kept.Life));
        Assert.Equal(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(token.Secret)), kept.Hash);
        Assert.DoesNotContain(token.Secret, token.ToString(), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromHours(1), (await Made($"host={TestApi.Host}"), _api.HostTokens.All.Single(t => t.Host is not null)).Item2.Life);
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest)]
    [InlineData("cluster=Default&host=host-1", HttpStatusCode.BadRequest)]
    [InlineData("cluster=Default&life=0", HttpStatusCode.BadRequest)]
    [InlineData("cluster=Default&life=604801", HttpStatusCode.BadRequest)]
    [InlineData("cluster=nowhere", HttpStatusCode.NotFound)]
    [InlineData("host=nobody", HttpStatusCode.NotFound)]
    public async Task A_wish_for_a_token_that_makes_no_sense_is_refused(string wish, HttpStatusCode status)
    {
        Assert.Equal(status, (await _api.Client.PostAsync($"/orchestrator/v1/host-tokens?{wish}", null)).StatusCode);
        Assert.Empty(_api.HostTokens.All);
    }

    [Fact]
    public async Task Others_than_administrators_make_no_token()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await _api.Stranger.PostAsync("/orchestrator/v1/host-tokens?cluster=Default", null)).StatusCode);
        using var guest = new HttpClient { BaseAddress = _api.Stranger.BaseAddress };
        guest.DefaultRequestHeaders.Authorization = TestApi.Basic("guest@internal", TestApi.Password);
        Assert.Equal(HttpStatusCode.Forbidden, (await guest.PostAsync("/orchestrator/v1/host-tokens?cluster=Default", null)).StatusCode);
        Assert.Empty(_api.HostTokens.All);
    }

    [Fact]
    public async Task A_host_comes_in_by_its_token_and_says_it_again()
    {
        var token = await Token("cluster=Default");
        var request = Request(token, "new-1", "10.77.0.9");
        var answer = await Joined(request);
        Assert.Equal(("new-1", "certificate of new-1 at 10.77.0.9", _api.Authority.Authorities), (answer.Name, answer.Certificate, answer.Authorities));
        var command = _api.LastCommand<HostCommand.Register>();
        Assert.Equal(("10.77.0.9", 54321, TestApi.Cluster), (command.Config.Address, command.Config.Port, command.Config.Cluster.Value));
        Assert.Equal((TestApi.User, (FirstInstall?)null), (command.Origin.User, command.Install));

        Assert.Equal(answer, await Joined(request));
        Assert.Single(_api.Engine.Commands, c => c.Command is HostCommand.Register);
        Assert.Contains("another host", await Refused(Request(token, "new-1", "10.77.0.9"), HttpStatusCode.Forbidden), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_is_known_gets_another_certificate_and_keeps_its_name_and_place()
    {
        var answer = await Joined(Request(await Token("host=host-1"), "whatever", "10.77.0.77"));
        Assert.Equal((TestApi.Host, "host-1", "certificate of host-1 at 10.77.0.1, 10.77.0.77"), (answer.Host, answer.Name, answer.Certificate));
        Assert.Empty(_api.Engine.Commands);
    }

    [Fact]
    public async Task What_cannot_be_let_in_is_told_why_and_uses_no_token_up()
    {
        var token = await Token("cluster=Default");
        var good = Request(token, "new-1", "10.77.0.9");
        Assert.Contains("no such token", await Refused(good with { Secret = "guessed" }, HttpStatusCode.Forbidden), StringComparison.Ordinal);
        Assert.Contains("port", await Refused(good with { Port = 0 }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Contains("address", await Refused(good with { Address = "a b" }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        await Refused(good with { Name = "a/b" }, HttpStatusCode.BadRequest);
        Assert.Contains("signing request", await Refused(good with { SigningRequest = "none" }, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        _api.Authority.HasNoKey = true;
        Assert.Contains("no key", await Refused(good, HttpStatusCode.ServiceUnavailable), StringComparison.Ordinal);
        _api.Authority.HasNoKey = false;
        Assert.All(_api.HostTokens.All, t => Assert.Null(t.Holder));
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Stranger.PostAsJsonAsync("/orchestrator/v1/hosts/join", "nonsense")).StatusCode);

        // A place or a name that is taken: the same host may ask for another.
        Assert.Contains("host-1", await Refused(good with { Address = "10.77.0.1" }, HttpStatusCode.Conflict), StringComparison.Ordinal);
        await _api.Engine.ClaimName(Kinds.Host, "", "taken", Guid.NewGuid(), default);
        Assert.Contains("--name", await Refused(good with { Name = "taken" }, HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Equal("new-1", (await Joined(good)).Name);
    }

    [Fact]
    public async Task While_the_database_is_away_a_host_is_asked_to_come_again()
    {
        var request = Request(await Token("cluster=Default"), "new-1", "10.77.0.9");
        _api.Engine.Away = new EntityUnavailableException("the database does not answer", TimeSpan.FromSeconds(1));
        Assert.Contains("database", await Refused(request, HttpStatusCode.ServiceUnavailable), StringComparison.Ordinal);
        _api.Engine.Away = null;
        Assert.Equal("new-1", (await Joined(request)).Name);
    }

    [Fact]
    public async Task A_host_is_installed_over_SSH_and_its_password_is_in_the_secrets_only()
    {
        var host = await TestApi.Xml(await _api.Post("/hosts?activate=false", $"""
            <host><name>h2</name><address>10.77.0.2</address><root_password>top-secret</root_password>
            <ssh><port>2222</port><fingerprint>SHA256:{new string('a', 43)}</fingerprint></ssh></host>
            """), HttpStatusCode.Created);
        var command = _api.LastCommand<HostCommand.Register>();
        Assert.Equal(new FirstInstall(WithPassword: true, Activate: false), command.Install);
        Assert.Equal(new SshAccess("root", 2222, $"SHA256:{new string('a', 43)}"), command.Config.Ssh);
        Assert.Equal("top-secret", _api.Secrets.Values[HostDeploying.SecretOf(new HostId(Guid.Parse((string)host.Attribute("id")!)))]);
        Assert.DoesNotContain("top-secret", WireJson.Write(command), StringComparison.Ordinal);
        Assert.DoesNotContain("top-secret", host.ToString(), StringComparison.Ordinal);
        Assert.Equal(("2222", "root"), ((string?)host.Element("ssh")!.Element("port"), (string?)host.Element("ssh")!.Element("user")!.Element("user_name")));
    }

    [Fact]
    public async Task Without_a_word_about_SSH_nothing_is_installed()
    {
        await TestApi.Xml(await _api.Post("/hosts", "<host><name>h2</name><address>10.77.0.2</address></host>"), HttpStatusCode.Created);
        Assert.Null(_api.LastCommand<HostCommand.Register>().Install);
        Assert.Null(_api.LastCommand<HostCommand.Register>().Config.Ssh);
    }

    [Theory]
    [InlineData("<ssh><authentication_method>password</authentication_method></ssh>")]
    [InlineData("<root_password></root_password>")]
    [InlineData("<root_password>x</root_password><ssh><port>70000</port></ssh>")]
    [InlineData("<root_password>x</root_password><ssh><fingerprint>abc</fingerprint></ssh>")]
    [InlineData("<ssh><authentication_method>publickey</authentication_method><user><user_name>-oProxyCommand=x</user_name></user></ssh>")]
    public async Task A_login_that_makes_no_sense_is_refused_and_nothing_is_kept(string login)
    {
        await TestApi.FaultOf(await _api.Post("/hosts", $"<host><name>h2</name><address>10.77.0.2</address>{login}</host>"), HttpStatusCode.BadRequest);
        Assert.Empty(_api.Engine.Commands);
        Assert.Empty(_api.Secrets.Values);
    }

    [Fact]
    public async Task A_password_for_what_is_refused_is_not_kept_and_that_of_a_running_installation_is()
    {
        var secret = HostDeploying.SecretOf(new HostId(TestApi.Host));
        var body = "<action><root_password>later</root_password></action>";
        var view = _api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Refuse = Fault.HostMustBeInMaintenance;
        _api.Engine.Put(Kinds.Host, TestApi.Host, view with { Status = "maintenance" });
        await TestApi.FaultOf(await _api.Post($"/hosts/{TestApi.Host}/install", body), HttpStatusCode.Conflict);
        Assert.Empty(_api.Secrets.Values);

        _api.Engine.Refuse = Fault.HostDeployBusy;
        _api.Engine.Put(Kinds.Host, TestApi.Host, view with { Status = "installing" });
        _api.Secrets.Values[secret] = "first";
        await TestApi.FaultOf(await _api.Post($"/hosts/{TestApi.Host}/install", body), HttpStatusCode.Conflict);
        Assert.Equal("first", _api.Secrets.Values[secret]);
    }

    [Fact]
    public async Task Its_software_is_upgraded_and_its_certificate_renewed_by_actions()
    {
        foreach (var (action, kind) in new[] { ("upgrade", DeployKind.Upgrade), ("enrollcertificate", DeployKind.Enroll) })
        {
            await TestApi.Xml(await _api.Post($"/hosts/{TestApi.Host}/{action}", "<action/>"), HttpStatusCode.OK);
            Assert.Equal(kind, _api.LastCommand<HostCommand.Deploy>().Kind);
        }

        await TestApi.Xml(await _api.Post($"/hosts/{TestApi.Host}/upgradecheck", "<action/>"), HttpStatusCode.OK);
        Assert.Equal("true", (string?)(await _api.GetXml($"/hosts/{TestApi.Host}")).Element("update_available"));
        await TestApi.FaultOf(await _api.Post($"/hosts/{TestApi.Unknown}/upgradecheck", "<action/>"), HttpStatusCode.NotFound);
    }

    private async Task<JsonNode> Made(string wish)
    {
        var answer = await _api.Client.PostAsync($"/orchestrator/v1/host-tokens?{wish}", null);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    private async Task<JoinToken> Token(string wish) => JoinToken.Parse((string)(await Made(wish))["token"]!);

    /// <summary>By a key of its own.</summary>
    private static JoinRequest Request(JoinToken token, string name, string address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=host", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        return new JoinRequest(token.Id, token.Secret, name, address, 54321, request);
    }

    private Task<HttpResponseMessage> Ask(JoinRequest request) =>
        _api.Stranger.PostAsJsonAsync("/orchestrator/v1/hosts/join", request, AgentJson.Default.JoinRequest);

    private async Task<JoinAnswer> Joined(JoinRequest request)
    {
        var answer = await Ask(request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync(AgentJson.Default.JoinAnswer))!;
    }

    private async Task<string> Refused(JoinRequest request, HttpStatusCode status)
    {
        var answer = await Ask(request);
        Assert.Equal(status, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(AgentJson.Default.JoinRefusal))!.Error;
    }
}
