using System.Collections.Immutable;
using System.Data;
using System.Globalization;
using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// Brings the database to this program's schema: numbered steps in one order, each once and in a transaction of its
/// own, recorded in that transaction. Of many nodes that start at once, one does a step and the others find it done.
/// </summary>
internal sealed class PostgresSchema
{
    private readonly ImmutableArray<Migration> steps;
    private readonly string version;

    /// <param name="own">Steps of the composition; the engine's own are added.</param>
    /// <param name="version">This program's, for the record and for messages.</param>
    public PostgresSchema(ImmutableArray<Migration> own, string version)
    {
        steps = [.. Engine().AddRange(own).OrderBy(m => m.Number)];
        this.version = version;
        if (steps.GroupBy(m => m.Number).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Two schema steps have the number {twice.Key}.", nameof(own));
    }

    /// <summary>The highest step that this program knows.</summary>
    public int Newest => steps[^1].Number;

    public ImmutableArray<Migration> Steps => steps;

    /// <summary>Answers the steps that it did.</summary>
    /// <exception cref="StoreRefusedException">Another cluster's database, one that is too new, or a step that failed
    /// and was undone; steps before that one are done and stay.</exception>
    public async Task<ImmutableArray<SchemaStep>> PrepareAsync(
        NpgsqlConnection connection, string clusterId, CancellationToken cancel)
    {
        if (await IsCompleteAsync(connection, clusterId, cancel).ConfigureAwait(false)) return [];
        await InTransactionAsync(connection, Locks.Cluster, async () =>
        {
            await RunAsync(connection, Ground, cancel).ConfigureAwait(false);
            await CheckOwnerAsync(connection, clusterId, cancel).ConfigureAwait(false);
            return true;
        }, cancel).ConfigureAwait(false);

        var made = ImmutableArray.CreateBuilder<SchemaStep>();
        foreach (var step in steps)
            if (await DoAsync(connection, step, cancel).ConfigureAwait(false))
                made.Add(new SchemaStep(step.Number, step.Name, DateTimeOffset.UtcNow, version, step.OldestReader));
        return made.ToImmutable();
    }

    /// <summary>What was done, and what this program would still do, by number.</summary>
    public async Task<ImmutableArray<SchemaStep>> StatusAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var done = await ExistsAsync(connection, "cluster.schema_steps", cancel).ConfigureAwait(false)
            ? await DoneAsync(connection, cancel).ConfigureAwait(false)
            : await ExistsAsync(connection, "cluster.migrations", cancel).ConfigureAwait(false)
                ? await DoneAsync(connection, cancel, OldTable).ConfigureAwait(false)
                : [];
        return
        [
            .. done.Values.Concat(steps.Where(s => !done.ContainsKey(s.Number))
                .Select(s => new SchemaStep(s.Number, s.Name, null, "", s.OldestReader))).OrderBy(s => s.Number),
        ];
    }

    /// <summary>Who reads this must be able to read everything that was ever recorded: both tables stay for ever.</summary>
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
        CREATE TABLE IF NOT EXISTS cluster.schema_steps (
            number         integer PRIMARY KEY,
            name           text NOT NULL,
            applied_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
            engine_version text NOT NULL,
            oldest_reader  integer NOT NULL
        );
        """;

    /// <summary>The first line of a file whose step takes something away; three digits follow.</summary>
    private const string OldestReader = "-- oldest reader: ";

    private static ImmutableArray<Migration> Engine()
    {
        var assembly = typeof(PostgresSchema).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(n => n.StartsWith("schema/", StringComparison.Ordinal))
            .Select(n =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(n)!);
                var name = Path.GetFileNameWithoutExtension(n);
                var sql = reader.ReadToEnd();
                return new Migration(int.Parse(name[..3], CultureInfo.InvariantCulture), name[4..], sql)
                {
                    OldestReader = sql.StartsWith(OldestReader, StringComparison.Ordinal)
                        ? int.Parse(sql.AsSpan(OldestReader.Length, 3), CultureInfo.InvariantCulture)
                        : 0,
                };
            })];
    }

    /// <summary>The usual start: nothing to do, and no lock is taken to find that out.</summary>
    private async Task<bool> IsCompleteAsync(NpgsqlConnection connection, string clusterId, CancellationToken cancel)
    {
        if (!await ExistsAsync(connection, "cluster.schema_steps", cancel).ConfigureAwait(false)) return false;
        await CheckOwnerAsync(connection, clusterId, cancel).ConfigureAwait(false);
        var done = await DoneAsync(connection, cancel).ConfigureAwait(false);
        RefuseNewer(done);
        return steps.All(s => done.ContainsKey(s.Number));
    }

    private async Task<bool> DoAsync(NpgsqlConnection connection, Migration step, CancellationToken cancel)
    {
        // Changes of membership must not wait for a long step; the steps of 0.1.0 share its lock with its nodes.
        var gate = step.Number < Migration.FirstOfOwnTable ? Locks.Cluster : Locks.Schema;
        try
        {
            return await InTransactionAsync(connection, gate, async () =>
            {
                var done = await DoneAsync(connection, cancel).ConfigureAwait(false);
                RefuseNewer(done);
                if (done.ContainsKey(step.Number)) return false;
                if (step.OldestReader > 0
                    && await OldestMemberAsync(connection, cancel).ConfigureAwait(false) < step.OldestReader)
                {
                    return false;
                }

                // Who waits for a lock on a busy table makes everybody behind wait, too: rather try again later.
                await RunAsync(connection, "SET LOCAL lock_timeout = '5s'", cancel).ConfigureAwait(false);
                await RunAsync(connection, step.Sql, cancel).ConfigureAwait(false);
                await RecordAsync(connection, step, cancel).ConfigureAwait(false);
                return true;
            }, cancel).ConfigureAwait(false);
        }
        catch (PostgresException e) when (!PostgresErrors.IsShutdown(e))
        {
            throw new StoreRefusedException(
                $"Schema step {step.Number} ('{step.Name}') of engine {version} failed and was undone: {e.MessageText} "
                + $"({e.SqlState}). The database is as it was before this step, and engines of the version before can go "
                + "on with it. Mend the cause, or start the version before.");
        }
    }

    private async Task RecordAsync(NpgsqlConnection connection, Migration step, CancellationToken cancel)
    {
        if (step.Number < Migration.FirstOfOwnTable || step.OldestReader > 0)
        {
            // Also where the step takes something away from 0.1.0: it knows this table only, and must refuse.
            await RunAsync(connection, "INSERT INTO cluster.migrations (number, name) VALUES ($1, $2)", cancel,
                step.Number, step.Name).ConfigureAwait(false);
        }

        if (step.Number >= Migration.FirstOfOwnTable)
        {
            await RunAsync(connection,
                """
                INSERT INTO cluster.schema_steps (number, name, engine_version, oldest_reader) VALUES ($1, $2, $3, $4)
                """, cancel, step.Number, step.Name, version, step.OldestReader).ConfigureAwait(false);
        }
    }

    /// <summary>What is unknown here was done by a newer program. It says itself whether this one can live with it.</summary>
    private void RefuseNewer(IReadOnlyDictionary<int, SchemaStep> done)
    {
        var known = steps.Select(s => s.Number).ToHashSet();
        var worst = done.Values.Where(d => !known.Contains(d.Number) && d.OldestReader > Newest)
            .OrderByDescending(d => d.OldestReader).ThenByDescending(d => d.Number).FirstOrDefault();
        if (worst is null) return;
        var by = worst.EngineVersion.Length > 0 ? $"engine {worst.EngineVersion}" : "a newer version";
        throw new StoreRefusedException(
            $"The database has schema step {worst.Number} ('{worst.Name}', by {by}, {worst.At:yyyy-MM-dd HH:mm} UTC), which "
            + $"this version ({version}, steps up to {Newest}) cannot work with: it belongs to a newer version. Start "
            + $"{by} here. Nothing was changed; the schema never goes backwards, only a backup from before does.");
    }

    private static async Task CheckOwnerAsync(NpgsqlConnection connection, string clusterId, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand("SELECT cluster_id FROM cluster.meta", connection);
        var owner = (string?)await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false);
        if (owner is null)
        {
            await RunAsync(connection, "INSERT INTO cluster.meta (cluster_id) VALUES ($1) ON CONFLICT DO NOTHING", cancel,
                clusterId).ConfigureAwait(false);
            owner = (string)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
        }

        if (owner != clusterId)
        {
            throw new StoreRefusedException(
                $"The database belongs to the cluster '{owner}', not to '{clusterId}'. Nothing was changed in it. "
                + "Give this cluster a database of its own.");
        }
    }

    /// <summary>A number that only the old table has and nobody knows says nothing of who may go on: nobody.</summary>
    private const string OldTable =
        "SELECT number, name, applied_at, '', CASE WHEN number = ANY ($1) THEN 0 ELSE 2147483647 END FROM cluster.migrations m";

    private const string BothTables = $"""
        SELECT number, name, applied_at, engine_version, oldest_reader FROM cluster.schema_steps
        UNION ALL {OldTable} WHERE NOT EXISTS (SELECT 1 FROM cluster.schema_steps s WHERE s.number = m.number)
        """;

    private async Task<Dictionary<int, SchemaStep>> DoneAsync(
        NpgsqlConnection connection, CancellationToken cancel, string tables = BothTables)
    {
        using var ask = new NpgsqlCommand(tables, connection);
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. steps.Select(s => s.Number)] });
        var reader = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var done = new Dictionary<int, SchemaStep>();
            while (await reader.ReadAsync(cancel).ConfigureAwait(false))
            {
                done[reader.GetInt32(0)] = new SchemaStep(
                    reader.GetInt32(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetString(3),
                    reader.GetInt32(4));
            }

            return done;
        }
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, string table, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand("SELECT to_regclass($1) IS NOT NULL", connection);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
        return (bool)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
    }

    private static async Task<int> OldestMemberAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand("SELECT coalesce(min(schema_step), 2147483647) FROM cluster.members", connection);
        return (int)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
    }

    private static async Task<T> InTransactionAsync<T>(
        NpgsqlConnection connection, int gate, Func<Task<T>> work, CancellationToken cancel)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancel).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await RunAsync(connection, $"SELECT pg_advisory_xact_lock({gate}, 0)", cancel).ConfigureAwait(false);
            var result = await work().ConfigureAwait(false);
            await transaction.CommitAsync(cancel).ConfigureAwait(false);
            return result;
        }
    }

    private static async Task RunAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancel, params object[] values)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.CommandTimeout = 600;
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

    /// <summary>Who holds it may change the schema.</summary>
    public const int Schema = 0x4F524304;
}
