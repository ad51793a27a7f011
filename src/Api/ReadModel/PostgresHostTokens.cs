using Npgsql;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Api.ReadModel;

/// <summary>Tokens of hosts in secret.host_tokens. One that was used stays for a day after its end, so that its host may be
/// answered again.</summary>
public sealed class PostgresHostTokens(PrimarySource database) : IHostTokens
{
    public Task Keep(JoinToken token, ClusterId cluster, HostId? host, string madeBy, TimeSpan life, CancellationToken cancel) => Guarded(async () =>
    {
        await using var command = database().CreateCommand("""
            WITH old AS (DELETE FROM secret.host_tokens WHERE until < now() - interval '1 day')
            INSERT INTO secret.host_tokens (id, hash, cluster, host, known, made_by, until)
            VALUES ($1, $2, $3, $4, $4 IS NOT NULL, $5, now() + $6)
            """);
        command.Parameters.AddWithValue(token.Id);
        command.Parameters.AddWithValue(JoinToken.HashOf(token.Secret));
        command.Parameters.AddWithValue(cluster.Value);
        command.Parameters.Add(new NpgsqlParameter { Value = host is { } id ? id.Value : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        command.Parameters.AddWithValue(madeBy);
        command.Parameters.AddWithValue(life);
        return await command.ExecuteNonQueryAsync(cancel);
    });

    public Task<TokenClaim> Claim(string id, byte[] hash, byte[] holder, HostId fresh, CancellationToken cancel) => Guarded<TokenClaim>(async () =>
    {
        await using (var claim = database().CreateCommand("""
            UPDATE secret.host_tokens SET holder = $3, host = coalesce(host, $4)
            WHERE id = $1 AND hash = $2 AND (holder = $3 OR (holder IS NULL AND until > now()))
            RETURNING host, cluster, made_by, known
            """))
        {
            claim.Parameters.AddWithValue(id);
            claim.Parameters.AddWithValue(hash);
            claim.Parameters.AddWithValue(holder);
            claim.Parameters.AddWithValue(fresh.Value);
            await using var row = await claim.ExecuteReaderAsync(cancel);
            if (await row.ReadAsync(cancel))
                return new TokenClaim.Granted(
                    new HostId(row.GetGuid(0)), new ClusterId(row.GetGuid(1)), row.GetString(2), row.GetBoolean(3));
        }

        await using var why = database().CreateCommand("SELECT holder IS NOT NULL FROM secret.host_tokens WHERE id = $1 AND hash = $2");
        why.Parameters.AddWithValue(id);
        why.Parameters.AddWithValue(hash);
        return new TokenClaim.Refused(await why.ExecuteScalarAsync(cancel) switch
        {
            true => "this token was used by another host; a token is for one host: make another one (orchestrator host token)",
            false => "this token has ended; make another one (orchestrator host token)",
            _ => "this engine knows no such token; it was made by another engine, is not whole, or ended long ago (orchestrator host token)",
        });
    });

    private static async Task<T> Guarded<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is NpgsqlException { SqlState: null } or TimeoutException or IOException)
        {
            throw new EntityUnavailableException($"the database does not answer: {e.Message}", TimeSpan.FromSeconds(2));
        }
    }
}
