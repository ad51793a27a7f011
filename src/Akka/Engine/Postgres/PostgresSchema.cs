using System.Collections.Immutable;
using System.Globalization;
using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>Brings the database to this program's schema: numbered steps, each once, all under one lock.</summary>
internal static class PostgresSchema
{
    public static async Task<bool> PrepareAsync(
        NpgsqlConnection connection, string clusterId, ImmutableArray<Migration> own, CancellationToken cancel)
    {
        var steps = Engine().AddRange(own).OrderBy(m => m.Number).ToArray();
        if (steps.GroupBy(m => m.Number).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Two schema steps have the number {twice.Key}.");

        var transaction = await connection.BeginTransactionAsync(cancel).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await RunAsync(connection, $"SELECT pg_advisory_xact_lock({Locks.Cluster}, 0)", cancel).ConfigureAwait(false);
            await RunAsync(connection, Ground, cancel).ConfigureAwait(false);
            await CheckOwnerAsync(connection, clusterId, cancel).ConfigureAwait(false);
            var done = await DoneAsync(connection, cancel).ConfigureAwait(false);
            if (done.Except(steps.Select(s => s.Number)).ToArray() is { Length: > 0 } unknown)
            {
                throw new StoreRefusedException(
                    $"The database has schema steps that this version does not know ({string.Join(", ", unknown)}): "
                    + "it belongs to a newer version. Start that version.");
            }

            foreach (var step in steps.Where(s => !done.Contains(s.Number)))
            {
                await RunAsync(connection, step.Sql, cancel).ConfigureAwait(false);
                await RunAsync(connection, "INSERT INTO cluster.migrations (number, name) VALUES ($1, $2)", cancel,
                    step.Number, step.Name).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancel).ConfigureAwait(false);
        }

        return true;
    }

    private const string Ground = """
        CREATE SCHEMA IF NOT EXISTS cluster;
        CREATE TABLE IF NOT EXISTS cluster.meta (
            one_row    boolean PRIMARY KEY DEFAULT true CHECK (one_row),
            cluster_id text NOT NULL,
            version    bigint NOT NULL DEFAULT 1
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS cluster.migrations (
            number     integer PRIMARY KEY,
            name       text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        """;

    private static ImmutableArray<Migration> Engine()
    {
        var assembly = typeof(PostgresSchema).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(n => n.StartsWith("schema/", StringComparison.Ordinal))
            .Select(n =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(n)!);
                var name = Path.GetFileNameWithoutExtension(n);
                return new Migration(int.Parse(name[..3], CultureInfo.InvariantCulture), name[4..], reader.ReadToEnd());
            })];
    }

    private static async Task CheckOwnerAsync(NpgsqlConnection connection, string clusterId, CancellationToken cancel)
    {
        await RunAsync(connection, "INSERT INTO cluster.meta (cluster_id) VALUES ($1) ON CONFLICT DO NOTHING", cancel,
            clusterId).ConfigureAwait(false);
        using var ask = new NpgsqlCommand("SELECT cluster_id FROM cluster.meta", connection);
        var owner = (string)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
        if (owner != clusterId)
        {
            throw new StoreRefusedException(
                $"The database belongs to the cluster '{owner}', not to '{clusterId}'. Nothing was changed in it. "
                + "Give this cluster a database of its own.");
        }
    }

    private static async Task<HashSet<int>> DoneAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand("SELECT number FROM cluster.migrations", connection);
        var reader = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var done = new HashSet<int>();
            while (await reader.ReadAsync(cancel).ConfigureAwait(false)) done.Add(reader.GetInt32(0));
            return done;
        }
    }

    private static async Task RunAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancel, params object[] values)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.CommandTimeout = 60;
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
    }
}

/// <summary>The first halves of our advisory lock keys ("ORC" and a digit); the second half is a member's lock number.</summary>
internal static class Locks
{
    /// <summary>Who holds it may change members and shards.</summary>
    public const int Cluster = 0x4F524301;

    /// <summary>Held by a living node's own session.</summary>
    public const int Session = 0x4F524302;

    /// <summary>Held shared by each journal transaction of a node; taken whole before an epoch of its shards rises.</summary>
    public const int Writer = 0x4F524303;
}
