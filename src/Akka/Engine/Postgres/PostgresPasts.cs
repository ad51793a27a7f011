using System.Collections.Immutable;
using Npgsql;
using NpgsqlTypes;

namespace Orchestrator.Engine.Postgres;

/// <summary>Reads what many entities are made of with one statement, so that snapshot and events of each are of the same
/// moment.</summary>
internal static class PostgresPasts
{
    private const string Statement = """
        WITH e AS MATERIALIZED (
            SELECT u.n, u.pid, s.sequence_number, s.created, s.manifest, s.serializer_id, s.snapshot
            FROM unnest($1, $2) WITH ORDINALITY AS u(pid, up_to, n)
            LEFT JOIN LATERAL (
                SELECT t.sequence_number, t.created, t.manifest, t.serializer_id, t.snapshot FROM akka.snapshot t
                WHERE t.persistence_id = u.pid AND t.sequence_number <= u.up_to ORDER BY t.sequence_number DESC LIMIT 1
            ) AS s ON true
        )
        SELECT e.n, true, e.sequence_number, e.created, e.manifest, e.serializer_id, e.snapshot, false
        FROM e WHERE e.sequence_number IS NOT NULL
        UNION ALL
        SELECT e.n, false, j.sequence_number, j.created, j.manifest, j.identifier, j.message, j.deleted
        FROM e CROSS JOIN LATERAL (
            SELECT r.sequence_number, r.created, r.manifest, r.identifier, r.message, r.deleted FROM akka.journal r
            WHERE r.persistence_id = e.pid AND r.sequence_number > coalesce(e.sequence_number, 0)
            ORDER BY r.persistence_id, r.sequence_number LIMIT $3
        ) AS j
        """;

    public static Task<ImmutableArray<Past>> LoadAsync(
        NpgsqlDataSource source, ImmutableArray<PastQuery> entities, int rowsAtMost, CancellationToken cancel) =>
        PostgresErrors.RunAsync(source, async connection =>
        {
            using var ask = new NpgsqlCommand(Statement, connection);
            ask.Parameters.Add(PostgresTable.Array(entities.Select(e => e.PersistenceId), NpgsqlDbType.Text));
            ask.Parameters.Add(PostgresTable.Array(entities.Select(e => e.SnapshotUpTo), NpgsqlDbType.Bigint));
            ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = rowsAtMost });
            var snapshots = new SnapshotRow?[entities.Length];
            var rows = new List<JournalRow>?[entities.Length];
            var r = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
            await using (r.ConfigureAwait(false))
            {
                while (await r.ReadAsync(cancel).ConfigureAwait(false))
                {
                    var at = (int)r.GetInt64(0) - 1;
                    var id = entities[at].PersistenceId;
                    var number = r.GetInt64(2);
                    var created = new DateTimeOffset(r.GetInt64(3), TimeSpan.Zero);
                    var manifest = r.IsDBNull(4) ? "" : r.GetString(4);
                    var serializer = r.IsDBNull(5) ? 0 : r.GetInt32(5);
                    var payload = r.IsDBNull(6) ? [] : r.GetFieldValue<byte[]>(6);
                    if (r.GetBoolean(1)) snapshots[at] = new SnapshotRow(id, number, created, manifest, serializer, payload);
                    else (rows[at] ??= []).Add(new JournalRow(id, number, manifest, serializer, payload, created) { IsDeleted = r.GetBoolean(7) });
                }
            }

            ImmutableArray<Past> pasts = [.. Enumerable.Range(0, entities.Length).Select(at => Past(snapshots[at], rows[at], rowsAtMost))];
            return pasts;
        }, cancel);

    private static Past Past(SnapshotRow? snapshot, List<JournalRow>? rows, int rowsAtMost)
    {
        // The order of a union's rows is nobody's promise.
        rows?.Sort(static (a, b) => a.SequenceNr.CompareTo(b.SequenceNr));
        return new Past(snapshot, rows is null ? [] : [.. rows], rows is null || rows.Count < rowsAtMost);
    }
}
