using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Api.Sso;

/// <summary>
/// Revocations in sso.revocations. Each node holds them in memory and hears of new ones by NOTIFY; it reads the table
/// again whenever the connection was made anew and once a minute. While the database is away, no new revocation is
/// possible on any node, so nothing is missed but what another node wrote in the moment of the break.
/// </summary>
public sealed class PostgresTokenRevocations(
    PrimarySource database, TimeProvider clock, ILogger<PostgresTokenRevocations> log)
    : BackgroundService, ITokenRevocations
{
    private const string Channel = "sso_revocations";
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _revoked = new();

    public bool IsRevoked(Guid token) => _revoked.ContainsKey(token);

    public async Task Revoke(Guid token, DateTimeOffset expires, CancellationToken cancel)
    {
        await using var command = database().CreateCommand("""
            WITH revoked AS (
                INSERT INTO sso.revocations (token, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING)
            SELECT pg_notify('sso_revocations', $1::text)
            """);
        command.Parameters.AddWithValue(token);
        command.Parameters.AddWithValue(expires.ToUniversalTime());
        await command.ExecuteNonQueryAsync(cancel);
        _revoked[token] = expires;
    }

    public async Task<bool> Use(Guid token, DateTimeOffset expires, CancellationToken cancel)
    {
        await using var command = database().CreateCommand(
            "INSERT INTO sso.revocations (token, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        command.Parameters.AddWithValue(token);
        command.Parameters.AddWithValue(expires.ToUniversalTime());
        return await command.ExecuteNonQueryAsync(cancel) == 1;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Listen(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception broken) when (broken is NpgsqlException or IOException or TimeoutException)
            {
                log.LogWarning("Revoked tokens are not followed now, next try in 1 s: {Reason}", broken.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), clock, stoppingToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task Listen(CancellationToken cancel)
    {
        await using var connection = await database().OpenConnectionAsync(cancel);
        connection.Notification += (_, notice) =>
        {
            // The table is read once a minute and knows the expiry better; until then, keep it long enough.
            if (Guid.TryParse(notice.Payload, out var token))
                _revoked.TryAdd(token, clock.GetUtcNow() + TimeSpan.FromHours(1));
        };
        await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
            await listen.ExecuteNonQueryAsync(cancel);
        while (true)
        {
            await ReadTable(connection, cancel);
            await connection.WaitAsync(TimeSpan.FromMinutes(1), cancel);
        }
    }

    private async Task ReadTable(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using (var forget = new NpgsqlCommand("DELETE FROM sso.revocations WHERE expires_at < now()", connection))
            await forget.ExecuteNonQueryAsync(cancel);
        await using (var query = new NpgsqlCommand("SELECT token, expires_at FROM sso.revocations", connection))
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel)) _revoked[row.GetGuid(0)] = row.GetFieldValue<DateTimeOffset>(1);
        }

        var now = clock.GetUtcNow();
        foreach (var (token, expires) in _revoked)
            if (expires < now)
                _revoked.TryRemove(token, out _);
    }
}
