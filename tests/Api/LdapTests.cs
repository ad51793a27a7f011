using System.Diagnostics;
using System.Formats.Asn1;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Access;
using Orchestrator.Api.Sso.Ldap;

namespace Orchestrator.Tests.Api;

/// <summary>People of a directory, against a real slapd.</summary>
public sealed class LdapTests(OwnLdap ldap) : IClassFixture<OwnLdap>
{
    private const string Devs = "cn=devs,ou=groups,dc=example", Staff = "cn=staff,ou=groups,dc=example", Everybody = "cn=everybody,ou=groups,dc=example";

    [SkippableTheory]
    [InlineData("starttls")]
    [InlineData("ldaps")]
    [InlineData("plain")]
    public async Task A_user_comes_with_the_groups_of_his_groups_also_in_a_circle(string way)
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        var directory = new LdapDirectory(way switch
        {
            "ldaps" => ldap.Profile($"ldaps://localhost:{ldap.TlsPort}"),
            "plain" => ldap.Profile() with { StartTls = false },
            _ => ldap.Profile(),
        });
        var alice = await directory.Authenticate("alice", "wonderland", default);
        Assert.Equal(("alice", "Alice", "Liddell", "alice@example"), (alice!.Name, alice.FirstName, alice.LastName, alice.Email));
        Assert.Equal([Devs, Everybody, Staff], alice.Groups.Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    public async Task Nesting_is_followed_as_far_as_is_said()
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        var alice = await new LdapDirectory(ldap.Profile() with { NestedGroups = 1 }).Authenticate("alice", "wonderland", default);
        Assert.Equal([Devs], alice!.Groups);
    }

    [SkippableTheory]
    [InlineData("alice", "wrong")]
    [InlineData("alice", "")]
    [InlineData("nobody", "wonderland")]
    [InlineData("*", "wonderland")]
    [InlineData("al*", "wonderland")]
    [InlineData("alice)(uid=*", "wonderland")]
    [InlineData("*)(objectClass=*", "wonderland")]
    [InlineData("alice\0", "wonderland")]
    [InlineData("\\61lice", "wonderland")]
    [InlineData("", "")]
    [InlineData("uid=alice,ou=people,dc=example", "wonderland")]
    public async Task Wrong_names_and_passwords_let_nobody_in(string name, string password)
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        Assert.Null(await new LdapDirectory(ldap.Profile()).Authenticate(name, password, default));
    }

    [SkippableFact]
    public async Task A_name_of_odd_letters_is_a_name()
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        Assert.NotNull(await new LdapDirectory(ldap.Profile()).Authenticate("odd(name)*", "oddpassword", default));
    }

    [SkippableFact]
    public async Task People_and_groups_are_found_by_pattern()
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        var directory = new LdapDirectory(ldap.Profile());
        Assert.Equal(["alice"], (await directory.People("al*e", 10, default)).Select(entry => entry.Name));
        Assert.Equal(3, (await directory.People("*", 10, default)).Count);
        Assert.Single(await directory.People("*", 1, default));
        Assert.Equal([Staff], (await directory.Groups("st*", 10, default)).Select(entry => entry.ExternalId));
    }

    [SkippableFact]
    public async Task The_next_server_is_asked_when_one_is_down_or_hangs()
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        using var hangs = new TcpListener(IPAddress.Loopback, 0);
        hangs.Start();
        var directory = new LdapDirectory(ldap.Profile(
            $"ldap://localhost:{OwnLdap.FreePort()}", $"ldap://127.0.0.1:{((IPEndPoint)hangs.LocalEndpoint).Port}", $"ldap://localhost:{ldap.Port}")
            with
        { Timeout = TimeSpan.FromSeconds(3) });
        Assert.NotNull(await directory.Authenticate("alice", "wonderland", default));
        // The one that answered is asked first from now on.
        var watch = Stopwatch.StartNew();
        Assert.NotNull(await directory.Authenticate("alice", "wonderland", default));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(0.9), $"{watch.Elapsed}");
    }

    [SkippableFact]
    public async Task A_certificate_of_another_authority_is_not_believed()
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        foreach (var profile in new[] { ldap.Profile() with { Authorities = [] }, ldap.Profile($"ldap://127.0.0.1:{ldap.Port}"), ldap.Profile($"ldaps://127.0.0.1:{ldap.TlsPort}") })
            await Assert.ThrowsAsync<DirectoryAwayException>(() => new LdapDirectory(profile).Authenticate("alice", "wonderland", default));
        var wrong = ldap.Profile() with { BindPassword = "wrong" };
        var away = await Assert.ThrowsAsync<DirectoryAwayException>(() => new LdapDirectory(wrong).Authenticate("alice", "wonderland", default));
        Assert.Contains("bind-name", away.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_hangs_when_a_directory_is_down_and_other_profiles_go_on()
    {
        using var hangs = new TcpListener(IPAddress.Loopback, 0);
        hangs.Start();
        var api = new TestApi
        {
            Directories = new Directories([new LdapDirectory(ldap.Profile($"ldap://127.0.0.1:{((IPEndPoint)hangs.LocalEndpoint).Port}") with { Timeout = TimeSpan.FromSeconds(1) })]),
        };
        await api.InitializeAsync();
        var watch = Stopwatch.StartNew();
        var asked = Token(api, "alice@corp", "wonderland");
        Assert.Equal(HttpStatusCode.OK, (await Token(api, TestApi.User, TestApi.Password)).StatusCode);
        var answer = await asked;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("corp", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(6), $"{watch.Elapsed}");
        await api.DisposeAsync();
    }

    [SkippableFact]
    public async Task A_permission_of_a_nested_group_lets_a_user_of_the_directory_start_a_vm()
    {
        Skip.IfNot(ldap.IsHere, OwnLdap.Missing);
        var api = new TestApi { Directories = new Directories([new LdapDirectory(ldap.Profile())]) };
        await api.InitializeAsync();
        var domain = (await api.GetXml("/domains")).Elements().Single(d => (string?)d.Element("name") == "corp");
        Assert.Equal(3, (await api.GetXml($"/domains/{(string)domain.Attribute("id")!}/users")).Elements().Count());
        var group = await TestApi.Xml(await api.Post("/groups", "<group><name>everybody</name><domain><name>corp</name></domain></group>"), HttpStatusCode.Created);

        var token = JsonNode.Parse(await (await Token(api, "alice@corp", "wonderland")).Content.ReadAsStringAsync())!;
        api.Stranger.DefaultRequestHeaders.Authorization = new("Bearer", (string)token["access_token"]!);
        Assert.Equal(HttpStatusCode.Forbidden, (await Start(api)).StatusCode);
        await TestApi.Xml(await api.Post($"/vms/{TestApi.Vm}/permissions",
            $"<permission><role><name>UserRole</name></role><group id=\"{(string)group.Attribute("id")!}\"/></permission>"), HttpStatusCode.Created);
        Assert.Equal(HttpStatusCode.OK, (await Start(api)).StatusCode);
        Assert.Equal(["Everyone", "everybody"], (await api.Access.GroupsOf((await api.Access.Accounts(default)).Single(a => a.Name == "alice@corp").Id, default)).Select(g => g.Name).Order(StringComparer.Ordinal));

        Assert.Equal(HttpStatusCode.OK, (await api.Send(HttpMethod.Delete, $"/groups/{(string)group.Attribute("id")!}")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await Start(api)).StatusCode);
        await api.DisposeAsync();
    }

    [Theory]
    [InlineData("(uid=a)")]
    [InlineData("(&(objectClass=person)(!(uid=x*y*))(|(a=*)(b=\\28)))")]
    public void Filters_of_operators_are_read(string text)
    {
        var writer = new AsnWriter(AsnEncodingRules.BER);
        LdapFilter.Parse(text).Write(writer);
        Assert.NotEmpty(writer.Encode());
    }

    [Theory]
    [InlineData("")]
    [InlineData("uid=a")]
    [InlineData("(uid=a")]
    [InlineData("(uid=a))")]
    [InlineData("(&)")]
    [InlineData("(uid=\\2)")]
    [InlineData("(u d=a)")]
    [InlineData("((((((((((((((((((((((((((((uid=a))")]
    public void What_is_no_filter_is_refused(string text) => Assert.Throws<FormatException>(() => LdapFilter.Parse(text));

    private static Task<HttpResponseMessage> Start(TestApi api) =>
        api.Stranger.PostAsync($"/ovirt-engine/api/vms/{TestApi.Vm}/start", new StringContent("<action/>", new System.Net.Http.Headers.MediaTypeHeaderValue("application/xml")));

    private static Task<HttpResponseMessage> Token(TestApi api, string user, string password) => api.Stranger.PostAsync(
        "/ovirt-engine/sso/oauth/token", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "password",
            ["scope"] = "ovirt-app-api",
            ["username"] = user,
            ["password"] = password,
        }));
}
