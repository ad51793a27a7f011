using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.ReadModel;

/// <summary>
/// The read model in PostgreSQL. Every statement may be said twice, so one that finds no database is said again until
/// the patience ends or too many wait: then it is <see cref="EntityUnavailableException"/>.
/// </summary>
/// <param name="patience">How long a statement waits for a database that is away.</param>
/// <param name="maxWaiting">Statements that may wait; more are turned away at once.</param>
public sealed class PostgresReadModel(
    PrimarySource database, TimeSpan patience, int maxWaiting, TimeProvider clock) : IReadModel
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(250);
    private int _waiting;

    private const string Columns = "t0.kind, t0.id, t0.name, t0.version, t0.doc::text";

    public async Task<Document?> Get(string kind, Guid id, CancellationToken cancel)
    {
        var rows = await Read(
            $"SELECT {Columns} FROM read.objects t0 WHERE kind = $1 AND id = $2", [kind, id], Row, cancel);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<IReadOnlyList<Document>> List(ReadQuery query, CancellationToken cancel)
    {
        var (sql, values) = Statement(query);
        return await Read(sql, values, Row, cancel);
    }

    public async Task<long> Count(ReadQuery query, CancellationToken cancel)
    {
        var values = new List<object>();
        var sql = $"SELECT count(*) FROM {FilterSql.From(query.Kind)} WHERE {Where(query, values)}";
        return (await Read(sql, values, row => row.GetInt64(0), cancel))[0];
    }

    /// <summary>What a list asks of the database: text that is made of ours alone, and parameters.</summary>
    public static (string Sql, List<object> Values) Statement(ReadQuery query)
    {
        var values = new List<object>();
        var sql = new StringBuilder($"SELECT {Columns} FROM {FilterSql.From(query.Kind)} WHERE ").Append(Where(query, values));
        if (query.Order is { } order) sql.Append(new FilterSql(values).OrderBy(query.Kind, order, "t0.name COLLATE \"C\", t0.id"));
        else
            sql.Append(query.Kind == Kinds.Job ? " ORDER BY t0.doc->>'startedAt'" : " ORDER BY t0.name")
                .Append(query.Descending ? " DESC, t0.id DESC" : ", t0.id");
        return (Paged(sql, query.Max, query.Offset).ToString(), values);
    }

    /// <inheritdoc cref="Statement(ReadQuery)"/>
    public static (string Sql, List<object> Values) Statement(AuditQuery query)
    {
        var values = new List<object>();
        var sql = new StringBuilder($"SELECT t0.id, t0.line::text FROM {FilterSql.From(Kinds.Event)} WHERE NOT t0.deleted");
        if (query.After is { } after)
        {
            values.Add(after);
            sql.Append(CultureInfo.InvariantCulture, $" AND t0.id > ${values.Count}");
        }

        sql.Append(new FilterSql(values).And(Kinds.Event, query.Only).And(Kinds.Event, query.Visible));
        if (query.Order is { } order) sql.Append(new FilterSql(values).OrderBy(Kinds.Event, order, "t0.id DESC"));
        else sql.Append(query.Direction == Direction.Descending ? " ORDER BY t0.id DESC" : " ORDER BY t0.id");
        return (Paged(sql, query.Max, query.Offset).ToString(), values);
    }

    private static StringBuilder Paged(StringBuilder sql, int? max, int offset)
    {
        if (max is { } most) sql.Append(CultureInfo.InvariantCulture, $" LIMIT {most}");
        if (offset > 0) sql.Append(CultureInfo.InvariantCulture, $" OFFSET {offset}");
        return sql;
    }

    public async Task<IReadOnlyList<VmOnHost>> VmsOn(HostId host, CancellationToken cancel) =>
        await Read(
            """
            SELECT id, doc->>'status' = 'migrating', coalesce((doc->'config'->>'priority')::int, 0) AS priority,
                coalesce((doc->'config'->>'highlyAvailable')::boolean, false) FROM (
                SELECT id, doc FROM read.objects WHERE kind = 'vm' AND doc->>'host' = $1
                UNION ALL SELECT id, doc FROM read.objects WHERE kind = 'vm' AND doc->>'destination' = $1
                    AND doc->>'host' IS DISTINCT FROM $1) AS vms
            ORDER BY priority DESC, id
            """,
            [host.ToString()], row => new VmOnHost(row.GetGuid(0), row.GetBoolean(1), row.GetInt32(2))
            {
                HighlyAvailable = row.GetBoolean(3),
            },
            cancel);

    public async Task<IReadOnlyList<VmId>> HighlyAvailableIn(ClusterId cluster, CancellationToken cancel) =>
        await Read(
            """
            SELECT id FROM read.objects
            WHERE kind = 'vm' AND doc->>'host' IS NOT NULL AND doc->'config'->>'cluster' = $1
                AND (doc->'config'->>'highlyAvailable')::boolean
            """,
            [cluster.ToString()], row => new VmId(row.GetGuid(0)), cancel);

    // Rows of 0.1.0 do not tell the two leases apart: a wrong guess is a lease that no VM sits under.
    public async Task<IReadOnlyList<VmCopy>> CopiesOn(HostId host, CancellationToken cancel) =>
        await Read(
            """
            SELECT id, held FROM (
                SELECT id, coalesce((doc->>'heldLease')::bigint,
                    CASE doc->>'status' WHEN 'wait_for_launch' THEN 0 ELSE (doc->>'lease')::bigint END) AS held
                FROM read.objects WHERE kind = 'vm' AND doc->>'host' = $1) AS copies
            WHERE held > 0
            """,
            [host.ToString()], row => new VmCopy(row.GetGuid(0), new Lease(row.GetInt64(1))), cancel);

    public async Task<IReadOnlyList<AuditRow>> Events(AuditQuery query, CancellationToken cancel)
    {
        var (sql, values) = Statement(query);
        return await Read(
            sql, values, row => new AuditRow(row.GetInt64(0), WireJson.Read<AuditLine>(row.GetString(1))), cancel);
    }

    public async Task<bool> ClaimName(string kind, string scope, string name, Guid id, CancellationToken cancel) =>
        (await Read(
            """
            INSERT INTO read.names AS n (kind, scope, name, id, claimed_at) VALUES ($1, $2, $3, $4, clock_timestamp())
            ON CONFLICT (kind, scope, name) DO UPDATE SET id = excluded.id, claimed_at = excluded.claimed_at
            WHERE n.id = excluded.id
               OR (n.claimed_at < clock_timestamp() - interval '1 minute'
                   AND NOT EXISTS (SELECT 1 FROM read.objects o WHERE o.kind = n.kind AND o.id = n.id))
            RETURNING 1
            """,
            [kind, scope, name, id], row => row.GetInt32(0), cancel)).Count == 1;

    public Task ReleaseName(string kind, string scope, string name, Guid id, CancellationToken cancel) => Read(
        "DELETE FROM read.names WHERE kind = $1 AND scope = $2 AND name = $3 AND id = $4",
        [kind, scope, name, id], row => 0, cancel);

    /// <summary>Drops what is over, as oVirt does: finished jobs after 10 minutes, failed ones after 60; image transfers after 15,
    /// and those that failed after 30.</summary>
    public Task DropOldJobs(CancellationToken cancel) => Read(
        """
        DELETE FROM read.objects WHERE kind = 'job' AND coalesce((doc->>'autoCleared')::boolean, true) AND (
            (doc->>'status' = 'finished' AND (doc->>'endedAt')::timestamptz < now() - interval '10 minutes')
            OR (doc->>'status' = 'failed' AND (doc->>'endedAt')::timestamptz < now() - interval '60 minutes'))
            OR kind = 'imagetransfer' AND (doc->>'endedAt')::timestamptz
                < now() - CASE doc->>'phase' WHEN 'finished_failure' THEN interval '30 minutes' ELSE interval '15 minutes' END
        """,
        [], row => 0, cancel);

    private static string Where(ReadQuery query, List<object> values)
    {
        values.Add(query.Kind);
        var sql = new StringBuilder("t0.kind = $1");
        foreach (var (path, value) in query.Equal ?? new Dictionary<string, string>())
        {
            values.Add(value);
            if (path == "config.name")
            {
                sql.Append(CultureInfo.InvariantCulture, $" AND t0.name = ${values.Count}");
                continue;
            }

            if (path is "host" or "destination" or "status")
            {
                sql.Append(CultureInfo.InvariantCulture, $" AND t0.doc->>'{path}' = ${values.Count}");
                continue;
            }

            values.Add(path.Split('.'));
            sql.Append(CultureInfo.InvariantCulture, $" AND t0.doc #>> ${values.Count} = ${values.Count - 1}");
        }

        sql.Append(new FilterSql(values).And(query.Kind, query.Only).And(query.Kind, query.Visible));
        return sql.ToString();
    }

    private static Document Row(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetGuid(1), row.GetString(2), row.GetInt64(3), row.GetString(4));

    private async Task<List<T>> Read<T>(
        string sql, IReadOnlyList<object> values, Func<NpgsqlDataReader, T> read, CancellationToken cancel)
    {
        var began = clock.GetTimestamp();
        var waits = false;
        try
        {
            while (true)
            {
                try
                {
                    return await ReadOnce(sql, values, read, cancel);
                }
                catch (Exception e) when (IsAway(e))
                {
                    if (!waits && Interlocked.Increment(ref _waiting) is var count)
                    {
                        waits = true;
                        if (count > maxWaiting) throw Away("too many requests wait for the database");
                    }

                    if (clock.GetElapsedTime(began) > patience) throw Away($"the database does not answer: {e.Message}");
                    await Task.Delay(AgainAfter, clock, cancel);
                }
            }
        }
        finally
        {
            if (waits) Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task<List<T>> ReadOnce<T>(
        string sql, IReadOnlyList<object> values, Func<NpgsqlDataReader, T> read, CancellationToken cancel)
    {
        await using var command = database().CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(value is string[] array
                ? new NpgsqlParameter { Value = array, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text }
                : new NpgsqlParameter { Value = value });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var found = new List<T>();
        while (await rows.ReadAsync(cancel)) found.Add(read(rows));
        return found;
    }

    /// <summary>Broken, refused, starting up or shutting down, or a standby by now; not a statement that is wrong.</summary>
    private static bool IsAway(Exception e) => e is PostgresException refused
        ? refused.IsTransient || refused.SqlState.StartsWith("57", StringComparison.Ordinal)
            || refused.SqlState.StartsWith("08", StringComparison.Ordinal) || refused.SqlState == "25006"
        : e is NpgsqlException or TimeoutException or IOException or ObjectDisposedException;

    private static EntityUnavailableException Away(string why) => new(why, TimeSpan.FromSeconds(2));
}
