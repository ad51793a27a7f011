using Npgsql;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Tests.Api;

/// <summary>Tokens of hosts on a real PostgreSQL: who may use one, how often and for how long.</summary>
public sealed class PostgresHostTokenTests(OwnPostgres postgres) : IClassFixture<OwnPostgres>
{
    private static readonly byte[] _one = [1], _other = [2];
    private static readonly ClusterId _cluster = new(Guid.NewGuid());

    [SkippableFact]
    public async Task A_token_is_for_the_first_key_that_comes_with_it()
    {
        var tokens = await Tokens();
        var token = await Kept(tokens, null, TimeSpan.FromHours(1));
        var first = new HostId(Guid.NewGuid());
        var granted = new TokenClaim.Granted(first, _cluster, "admin", Known: false);
        Assert.Equal(granted, await Claim(tokens, token, _one, first));
        Assert.Equal(granted, await Claim(tokens, token, _one, new HostId(Guid.NewGuid())));
        Assert.Contains("another host", Refused(await Claim(tokens, token, _other, new HostId(Guid.NewGuid()))), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Of_two_hosts_at_once_one_is_let_in()
    {
        var tokens = await Tokens();
        for (var round = 0; round < 10; round++)
        {
            var token = await Kept(tokens, null, TimeSpan.FromHours(1));
            var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(n =>
                Task.Run(() => Claim(tokens, token, [(byte)n], new HostId(Guid.NewGuid())))));
            Assert.Single(claims, c => c is TokenClaim.Granted);
        }
    }

    [SkippableFact]
    public async Task A_token_that_has_ended_lets_nobody_in_but_who_came_in_time()
    {
        var tokens = await Tokens();
        var (used, unused) = (await Kept(tokens, null, TimeSpan.FromMilliseconds(300)), await Kept(tokens, null, TimeSpan.Zero));
        Assert.IsType<TokenClaim.Granted>(await Claim(tokens, used, _one, new HostId(Guid.NewGuid())));
        Assert.Contains("has ended", Refused(await Claim(tokens, unused, _one, new HostId(Guid.NewGuid()))), StringComparison.Ordinal);
        await Task.Delay(400);
        Assert.IsType<TokenClaim.Granted>(await Claim(tokens, used, _one, new HostId(Guid.NewGuid())));
    }

    [SkippableFact]
    public async Task Who_knows_only_the_name_of_a_token_learns_nothing_and_uses_nothing_up()
    {
        var tokens = await Tokens();
        var host = new HostId(Guid.NewGuid());
        var token = await Kept(tokens, host, TimeSpan.FromHours(1));
        Assert.Contains("no such token", Refused(await tokens.Claim(token.Id, JoinToken.HashOf("guessed"), _other, host, default)), StringComparison.Ordinal);
        Assert.Equal(new TokenClaim.Granted(host, _cluster, "admin", Known: true), await Claim(tokens, token, _one, new HostId(Guid.NewGuid())));
    }

    private async Task<PostgresHostTokens> Tokens()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        await using var schema = postgres.Database.CreateCommand("CREATE SCHEMA IF NOT EXISTS secret");
        await schema.ExecuteNonQueryAsync();
        var made = ReadSchema.Migrations.Single(m => m.Number == 305).Sql.Replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", StringComparison.Ordinal);
        await using var table = postgres.Database.CreateCommand(made);
        await table.ExecuteNonQueryAsync();
        return new PostgresHostTokens(() => postgres.Database);
    }

    private static async Task<JoinToken> Kept(PostgresHostTokens tokens, HostId? host, TimeSpan life)
    {
        var token = JoinToken.New([]);
        await tokens.Keep(token, _cluster, host, "admin", life, default);
        return token;
    }

    private static Task<TokenClaim> Claim(PostgresHostTokens tokens, JoinToken token, byte[] holder, HostId fresh) =>
        tokens.Claim(token.Id, JoinToken.HashOf(token.Secret), holder, fresh, default);

    private static string Refused(TokenClaim claim) => Assert.IsType<TokenClaim.Refused>(claim).Why;
}
