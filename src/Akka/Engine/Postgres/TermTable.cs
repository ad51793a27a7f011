using System.Collections.Immutable;
using System.Data;
using System.Globalization;
using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>Reads and extends cluster.terms, and asks a server what it is.</summary>
internal static class TermTable
{
    /// <summary>The timeline comes from the place where the log is written: what pg_control says lags by a checkpoint.</summary>
    private const string Identity = """
        SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()), pg_postmaster_start_time(),
               CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_walfile_name(pg_current_wal_lsn()) END,
               to_regclass('cluster.terms') IS NOT NULL
        """;

    private const string Terms = "SELECT term, token, system_id, timeline FROM cluster.terms ORDER BY term DESC";

    public static async Task<ServerAnswer> AskAsync(
        NpgsqlConnection connection, ServerAddress address, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand(Identity, connection);
        bool standby, hasTerms;
        long system;
        DateTimeOffset started;
        int timeline;
        var reader = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            await reader.ReadAsync(cancel).ConfigureAwait(false);
            (standby, system, started) = (reader.GetBoolean(0), reader.GetInt64(1), reader.GetFieldValue<DateTimeOffset>(2));
            timeline = TimelineOf(reader.GetString(3));
            hasTerms = reader.GetBoolean(4);
        }

        var terms = hasTerms && !standby ? await ReadAsync(connection, cancel).ConfigureAwait(false) : [];
        return new ServerAnswer(address, null, !standby, system, started, timeline, terms);
    }

    /// <summary>Makes the term of this server unless it has one: the first engine that meets a promoted server does.</summary>
    public static async Task<Term> EnsureAsync(NpgsqlConnection connection, ServerAddress address, CancellationToken cancel)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancel).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            using (var enter = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({Locks.Cluster}, 0)", connection))
                await enter.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
            var server = await AskAsync(connection, address, cancel).ConfigureAwait(false);
            var newest = server.Terms.FirstOrDefault();
            if (newest is not null && newest.SystemId == server.SystemId && newest.Timeline == server.Timeline) return newest;

            var next = new Term((newest?.Number ?? 0) + 1, Guid.NewGuid(), server.SystemId, server.Timeline);
            using var insert = new NpgsqlCommand(
                "INSERT INTO cluster.terms (term, token, system_id, timeline) VALUES ($1, $2, $3, $4)", connection);
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = next.Number });
            insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = next.Token });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = next.SystemId });
            insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = next.Timeline });
            await insert.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
            await transaction.CommitAsync(cancel).ConfigureAwait(false);
            return next;
        }
    }

    /// <summary>For each new connection: the server is a primary, and one that knows the newest term seen here.</summary>
    public static async Task CheckAsync(NpgsqlConnection connection, ServerAddress address, Term? known)
    {
        using var ask = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection);
        if (known is not null)
        {
            ask.CommandText =
                "SELECT pg_is_in_recovery() OR NOT EXISTS (SELECT 1 FROM cluster.terms WHERE term = $1 AND token = $2)";
            ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = known.Number });
            ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = known.Token });
        }

        if ((bool)(await ask.ExecuteScalarAsync().ConfigureAwait(false))!)
            throw new NpgsqlException($"{address} is a standby or a former primary; nothing is written to it");
    }

    /// <summary>Whether a commit there waits until another server has it, too.</summary>
    public static async Task<bool> CommitsAreReplicatedAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand(
            """
            SELECT current_setting('synchronous_standby_names') <> ''
                   AND current_setting('synchronous_commit') NOT IN ('off', 'local')
            """, connection);
        return (bool)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
    }

    private static async Task<ImmutableArray<Term>> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand(Terms, connection);
        var reader = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var terms = ImmutableArray.CreateBuilder<Term>();
            while (await reader.ReadAsync(cancel).ConfigureAwait(false))
                terms.Add(new Term(reader.GetInt64(0), reader.GetGuid(1), reader.GetInt64(2), reader.GetInt32(3)));
            return terms.ToImmutable();
        }
    }

    /// <summary>A log file's name begins with the timeline, eight hexadecimal digits.</summary>
    private static int TimelineOf(string walFile) =>
        walFile.Length < 8 ? 0 : int.Parse(walFile.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
