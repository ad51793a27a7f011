using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using static Orchestrator.Engine.Postgres.PostgresTable;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// The journal and the snapshots. A write is one round trip and one implicit transaction: writer lock, checked insert
/// (<see cref="SwiftWrite"/>), companions, remembered. When one batch cannot be written, PostgreSQL undoes everything;
/// a second trip checks first and names the outcome of each batch, a third one writes the good ones.
/// </summary>
internal sealed class PostgresJournal(PostgresSettings settings, TimeProvider time)
{
    private const string RefusedBatches = "OR001";
    private static readonly string EnterWriters = $"SELECT pg_advisory_xact_lock_shared({Locks.Writer}, $1)";

    private readonly ImmutableDictionary<string, string> companions =
        settings.Companions.ToImmutableDictionary(c => c.Kind, c => c.Statement);

    private readonly string check = CheckStatement(settings.WriteFencing);

    public async Task<ImmutableArray<WriteOutcome>> WriteAsync(
        NpgsqlDataSource source, WarmConnections? warm, NodeId self, int lockNumber, ImmutableArray<JournalBatch> batches,
        CancellationToken cancel)
    {
        var outcomes = new WriteOutcome[batches.Length];
        foreach (var round in Rounds(batches))
        {
            if (await SwiftAsync(source, warm, self, lockNumber, batches, round, outcomes, cancel).ConfigureAwait(false)) continue;
            var open = round;
            while (open.Count > 0)
                open = await TryAsync(source, self, lockNumber, batches, open, outcomes, cancel).ConfigureAwait(false);
        }

        return [.. outcomes];
    }

    /// <summary>Writes them all and answers true, or none and false: then they must be judged one by one.</summary>
    private async Task<bool> SwiftAsync(
        NpgsqlDataSource source, WarmConnections? warm, NodeId self, int lockNumber, ImmutableArray<JournalBatch> batches,
        List<int> open, WriteOutcome[] outcomes, CancellationToken cancel)
    {
        var together = new JournalBatch[open.Count];
        for (var n = 0; n < together.Length; n++)
        {
            together[n] = batches[open[n]];
            if (together[n].Events.IsEmpty) return false;
        }

        async Task<int> Say(NpgsqlConnection connection)
        {
            using var batch = Command(connection, lockNumber, together,
                SwiftWrite.Command(self, together, settings.WriteFencing, time.GetUtcNow().UtcTicks));
            return await batch.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
        }

        try
        {
            await (warm is null ? PostgresErrors.RunAsync(source, Say, cancel) : warm.RunAsync(Say, cancel)).ConfigureAwait(false);
            foreach (var i in open) outcomes[i] = WriteOutcome.Written;
            return true;
        }
        catch (PostgresException)
        {
            return false;
        }
    }

    /// <summary>Writes them all or none; answers the batches that are still open after it.</summary>
    private async Task<List<int>> TryAsync(
        NpgsqlDataSource source, NodeId self, int lockNumber, ImmutableArray<JournalBatch> batches, List<int> open,
        WriteOutcome[] outcomes, CancellationToken cancel)
    {
        try
        {
            await PostgresErrors.RunAsync(source, async connection =>
            {
                JournalBatch[] judged = [.. open.Select(i => batches[i])];
                using var batch = judged.Any(b => b.Events.Length > 0)
                    ? Command(connection, lockNumber, judged, Check(self, judged), Insert(judged))
                    : Command(connection, lockNumber, judged, Check(self, judged));
                return await batch.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
            }, cancel).ConfigureAwait(false);
            foreach (var i in open) outcomes[i] = WriteOutcome.Written;
            return [];
        }
        catch (PostgresException e) when (e.SqlState == RefusedBatches && e.Detail?.Length == open.Count)
        {
            if (e.Detail.Contains('3', StringComparison.Ordinal)) await ReplicateAsync(source, cancel).ConfigureAwait(false);
            var still = new List<int>();
            for (var n = 0; n < open.Count; n++)
            {
                switch (e.Detail[n])
                {
                    case '0': still.Add(open[n]); break;
                    case '1': outcomes[open[n]] = WriteOutcome.NotOwner; break;
                    case '2': outcomes[open[n]] = WriteOutcome.Conflict; break;
                    default: outcomes[open[n]] = WriteOutcome.Written; break;
                }
            }

            return still;
        }
        catch (PostgresException e) when (open.Count == 1
            && e is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "journal_uq" })
        {
            // Somebody wrote that number meanwhile: the check sees now who, and whether it was this very batch.
            return open;
        }
        catch (PostgresException) when (open.Count == 1)
        {
            outcomes[open[0]] = WriteOutcome.Rejected;
            return [];
        }
        catch (PostgresException)
        {
            // One of them spoilt it for all; PostgreSQL undid everything, so each can be tried alone.
            foreach (var i in open)
            {
                List<int> alone = [i];
                while (alone.Count > 0)
                    alone = await TryAsync(source, self, lockNumber, batches, alone, outcomes, cancel).ConfigureAwait(false);
            }

            return [];
        }
    }

    /// <summary>What another attempt has written is seen here, but perhaps not yet on the standby: a commit of any kind
    /// waits until the standby has everything before it.</summary>
    private static Task ReplicateAsync(NpgsqlDataSource source, CancellationToken cancel) =>
        ExecuteAsync(source, "SELECT pg_logical_emit_message(true, 'orchestrator', '')", cancel);

    public static async IAsyncEnumerable<JournalRow> ReplayAsync(
        NpgsqlDataSource source, string persistenceId, long from, [EnumeratorCancellation] CancellationToken cancel)
    {
        const int page = 1000;
        while (true)
        {
            var start = from;
            var rows = await PostgresErrors.RunAsync(
                source, c => PageAsync(c, persistenceId, start, page, cancel), cancel).ConfigureAwait(false);
            foreach (var row in rows) yield return row;
            if (rows.Count < page) yield break;
            from = rows[^1].SequenceNr + 1;
        }
    }

    public static Task<SnapshotRow?> LoadSnapshotAsync(
        NpgsqlDataSource source, string persistenceId, long atMost, CancellationToken cancel) =>
        PostgresErrors.RunAsync(source, async connection =>
        {
            using var ask = new NpgsqlCommand(
                """
                SELECT sequence_number, created, manifest, serializer_id, snapshot FROM akka.snapshot
                WHERE persistence_id = $1 AND sequence_number <= $2 ORDER BY sequence_number DESC LIMIT 1
                """, connection);
            ask.Parameters.Add(Text(persistenceId));
            ask.Parameters.Add(Number(atMost));
            var r = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
            await using (r.ConfigureAwait(false))
            {
                return await r.ReadAsync(cancel).ConfigureAwait(false)
                    ? new SnapshotRow(persistenceId, r.GetInt64(0), new DateTimeOffset(r.GetInt64(1), TimeSpan.Zero),
                        TextOrEmpty(r, 2), r.IsDBNull(3) ? 0 : r.GetInt32(3), r.IsDBNull(4) ? [] : r.GetFieldValue<byte[]>(4))
                    : null;
            }
        }, cancel);

    /// <summary>Writes nothing while a member of 0.1.0 may still recover here (Schema/302-copies.sql): a snapshot is only
    /// a shortcut, and those would lose what came before it.</summary>
    public static Task SaveSnapshotAsync(NpgsqlDataSource source, SnapshotRow row, CancellationToken cancel) =>
        ExecuteAsync(source,
            """
            INSERT INTO akka.snapshot (persistence_id, sequence_number, created, snapshot, manifest, serializer_id)
            SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM cluster.schema_steps WHERE number = 302)
            ON CONFLICT (persistence_id, sequence_number) DO UPDATE SET created = excluded.created,
                snapshot = excluded.snapshot, manifest = excluded.manifest, serializer_id = excluded.serializer_id
            """, cancel,
            Text(row.PersistenceId), Number(row.SequenceNr), Number(row.Created.UtcTicks),
            new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = row.Payload, NpgsqlDbType = NpgsqlDbType.Bytea },
            Text(row.Manifest), new NpgsqlParameter<int> { TypedValue = row.SerializerId });

    public static Task DeleteSnapshotsAsync(
        NpgsqlDataSource source, string persistenceId, long upTo, CancellationToken cancel) =>
        ExecuteAsync(source, "DELETE FROM akka.snapshot WHERE persistence_id = $1 AND sequence_number <= $2", cancel,
            Text(persistenceId), Number(upTo));

    public static Task DeleteSnapshotAsync(
        NpgsqlDataSource source, string persistenceId, long sequenceNr, CancellationToken cancel) =>
        ExecuteAsync(source, "DELETE FROM akka.snapshot WHERE persistence_id = $1 AND sequence_number = $2", cancel,
            Text(persistenceId), Number(sequenceNr));

    /// <summary>Keeps the highest row, marked as deleted, because the next sequence number is read off it.</summary>
    public static Task DeleteMessagesAsync(
        NpgsqlDataSource source, string persistenceId, long upTo, CancellationToken cancel) =>
        ExecuteAsync(source,
            """
            WITH top AS (SELECT max(sequence_number) AS n FROM akka.journal WHERE persistence_id = $1),
            kept AS (
                UPDATE akka.journal SET deleted = true FROM top
                WHERE persistence_id = $1 AND sequence_number = top.n AND top.n <= $2 AND NOT deleted)
            DELETE FROM akka.journal USING top
            WHERE persistence_id = $1 AND sequence_number <= $2 AND sequence_number < top.n
            """, cancel, Text(persistenceId), Number(upTo));

    public static Task<ImmutableArray<string>> RememberedAsync(
        NpgsqlDataSource source, ShardKey shard, CancellationToken cancel) =>
        PostgresErrors.RunAsync(source, async connection =>
        {
            using var ask = new NpgsqlCommand(
                "SELECT entity_id FROM cluster.remembered WHERE shard_type = $1 AND shard = $2 ORDER BY 1", connection);
            ask.Parameters.Add(Text(shard.Type));
            ask.Parameters.Add(Text(shard.Shard));
            var reader = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                var ids = ImmutableArray.CreateBuilder<string>();
                while (await reader.ReadAsync(cancel).ConfigureAwait(false)) ids.Add(reader.GetString(0));
                return ids.ToImmutable();
            }
        }, cancel);

    public static Task ForgetAsync(
        NpgsqlDataSource source, NodeId self, ShardKey shard, long epoch, string entityId, CancellationToken cancel) =>
        ExecuteAsync(source,
            """
            DELETE FROM cluster.remembered r USING cluster.shards s
            WHERE r.shard_type = $1 AND r.shard = $2 AND r.entity_id = $3
              AND s.shard_type = $1 AND s.shard = $2 AND s.epoch = $4 AND s.owner = $5
            """, cancel,
            Text(shard.Type), Text(shard.Shard), Text(entityId), Number(epoch),
            new NpgsqlParameter<Guid> { TypedValue = self.Value });

    private NpgsqlBatch Command(
        NpgsqlConnection connection, int lockNumber, JournalBatch[] batches, params ReadOnlySpan<NpgsqlBatchCommand> journal)
    {
        // A write that the server is told to cancel while it waits for its standby is done and not safe: the store stops
        // waiting by itself and leaves the server alone.
        var command = new NpgsqlBatch(connection) { Timeout = 0 };
        if (batches.Any(b => b.Fence is not null))
        {
            // A statement of its own: the check after it must see what was committed while this waited.
            var enter = new NpgsqlBatchCommand(EnterWriters);
            enter.Parameters.Add(new NpgsqlParameter<int> { TypedValue = lockNumber });
            command.BatchCommands.Add(enter);
        }

        foreach (var step in journal) command.BatchCommands.Add(step);
        if (batches.Any(b => !b.Companions.IsEmpty))
        {
            foreach (var rows in batches.SelectMany(b => b.Companions).GroupBy(c => c.Kind))
                command.BatchCommands.Add(Companion(rows.Key, rows));
        }

        if (batches.Any(b => b.Remember is not null)) command.BatchCommands.Add(Remember(batches));
        return command;
    }

    private NpgsqlBatchCommand Check(NodeId self, JournalBatch[] batches)
    {
        var command = new NpgsqlBatchCommand(check);
        command.Parameters.Add(Array(batches.Select(b => b.PersistenceId), NpgsqlDbType.Text));
        command.Parameters.Add(Array(batches.Select(b => b.Events.Length > 0 ? b.Events[0].SequenceNr : 0L), NpgsqlDbType.Bigint));
        command.Parameters.Add(Array(batches.Select(b => b.Events.Length > 0 ? b.Events[^1].SequenceNr : 0L), NpgsqlDbType.Bigint));
        command.Parameters.Add(Array(batches.Select(b => b.WriterUuid), NpgsqlDbType.Text));
        command.Parameters.Add(Array(batches.Select(b => b.Fence?.Shard.Type), NpgsqlDbType.Text));
        command.Parameters.Add(Array(batches.Select(b => b.Fence?.Shard.Shard), NpgsqlDbType.Text));
        command.Parameters.Add(Array(batches.Select(b => b.Fence?.Epoch), NpgsqlDbType.Bigint));
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = self.Value });
        return command;
    }

    /// <summary>Outcomes: 0 can be written, 1 not the owner, 2 conflict, 3 this writer has written it already.
    /// A batch without events (companions only) has first 0 and is checked for ownership alone.</summary>
    private static string CheckStatement(WriteFencing fencing)
    {
        var foreign = fencing == WriteFencing.Off
            ? "$8::uuid IS NULL"
            : """
              u.epoch IS NOT NULL AND NOT EXISTS (
                  SELECT 1 FROM cluster.shards s
                  WHERE s.shard_type = u.t AND s.shard = u.s AND s.epoch = u.epoch AND s.owner = $8)
              """;
        return $"""
            SELECT CASE WHEN bool_and(c.outcome = '0') THEN NULL
                        ELSE cluster.refuse(string_agg(c.outcome, '' ORDER BY c.n)) END
            FROM (
                SELECT u.n, CASE
                    WHEN u.first > 0 AND l.top >= u.last
                         AND EXISTS (SELECT 1 FROM akka.journal j WHERE j.persistence_id = u.pid
                                     AND j.sequence_number = u.first AND j.writer_uuid = u.w)
                         AND EXISTS (SELECT 1 FROM akka.journal j WHERE j.persistence_id = u.pid
                                     AND j.sequence_number = u.last AND j.writer_uuid = u.w) THEN '3'
                    WHEN {foreign} THEN '1'
                    WHEN u.first > 0 AND l.top <> u.first - 1 THEN '2'
                    ELSE '0' END AS outcome
                FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY AS u(pid, first, last, w, t, s, epoch, n)
                CROSS JOIN LATERAL (
                    SELECT coalesce(max(j.sequence_number), 0) AS top FROM akka.journal j WHERE j.persistence_id = u.pid
                ) AS l
            ) AS c
            """;
    }

    private NpgsqlBatchCommand Insert(JournalBatch[] batches)
    {
        var command = new NpgsqlBatchCommand(
            """
            INSERT INTO akka.journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
            SELECT $1, false, p, n, m, f, i, w FROM unnest($2, $3, $4, $5, $6, $7) AS u(p, n, m, f, i, w)
            """);
        var rows = batches.SelectMany(b => b.Events.Select(e => (Batch: b, Event: e))).ToArray();
        command.Parameters.Add(Number(time.GetUtcNow().UtcTicks));
        command.Parameters.Add(Array(rows.Select(r => r.Batch.PersistenceId), NpgsqlDbType.Text));
        command.Parameters.Add(Array(rows.Select(r => r.Event.SequenceNr), NpgsqlDbType.Bigint));
        command.Parameters.Add(Array(rows.Select(r => r.Event.Payload), NpgsqlDbType.Bytea));
        command.Parameters.Add(Array(rows.Select(r => r.Event.Manifest), NpgsqlDbType.Text));
        command.Parameters.Add(Array(rows.Select(r => r.Event.SerializerId), NpgsqlDbType.Integer));
        command.Parameters.Add(Array(rows.Select(r => r.Batch.WriterUuid), NpgsqlDbType.Text));
        return command;
    }

    private NpgsqlBatchCommand Companion(string kind, IEnumerable<CompanionRow> rows)
    {
        var newest = rows.GroupBy(r => r.Key).Select(g => g.MaxBy(r => r.Version)!)
            .OrderBy(r => r.Key, StringComparer.Ordinal).ToArray();
        var command = new NpgsqlBatchCommand(companions[kind]);
        command.Parameters.Add(Array(newest.Select(r => r.Key), NpgsqlDbType.Text));
        command.Parameters.Add(Array(newest.Select(r => r.Version), NpgsqlDbType.Bigint));
        command.Parameters.Add(Array(newest.Select(r => r.Json), NpgsqlDbType.Text));
        return command;
    }

    private static NpgsqlBatchCommand Remember(JournalBatch[] batches)
    {
        var rows = batches.Where(b => b is { Remember: not null, Fence: not null }).ToArray();
        var command = new NpgsqlBatchCommand(
            """
            INSERT INTO cluster.remembered (shard_type, shard, entity_id)
            SELECT t, s, e FROM unnest($1, $2, $3) AS u(t, s, e) ON CONFLICT DO NOTHING
            """);
        command.Parameters.Add(Array(rows.Select(b => b.Fence!.Shard.Type), NpgsqlDbType.Text));
        command.Parameters.Add(Array(rows.Select(b => b.Fence!.Shard.Shard), NpgsqlDbType.Text));
        command.Parameters.Add(Array(rows.Select(b => b.Remember!), NpgsqlDbType.Text));
        return command;
    }

    /// <summary>One transaction sees one batch of an entity: a second one of the same call waits for the next round.</summary>
    private IEnumerable<List<int>> Rounds(ImmutableArray<JournalBatch> batches)
    {
        foreach (var batch in batches)
        {
            foreach (var row in batch.Companions)
            {
                if (!companions.ContainsKey(row.Kind))
                    throw new InvalidOperationException($"No statement was given for companion rows of kind '{row.Kind}'.");
            }
        }

        var open = Enumerable.Range(0, batches.Length).ToList();
        if (batches.Length == 1) yield return open;
        while (open.Count > 0 && batches.Length > 1)
        {
            var seen = new HashSet<string>();
            var round = open.Where(i => seen.Add(batches[i].PersistenceId)).ToList();
            yield return round;
            open = [.. open.Except(round)];
        }
    }

    private static async Task<List<JournalRow>> PageAsync(
        NpgsqlConnection connection, string persistenceId, long from, int page, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand(
            """
            SELECT sequence_number, manifest, identifier, message, created, deleted FROM akka.journal
            WHERE persistence_id = $1 AND sequence_number >= $2 ORDER BY sequence_number LIMIT $3
            """, connection);
        ask.Parameters.Add(Text(persistenceId));
        ask.Parameters.Add(Number(from));
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = page });
        var rows = new List<JournalRow>();
        var r = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (r.ConfigureAwait(false))
        {
            while (await r.ReadAsync(cancel).ConfigureAwait(false))
            {
                rows.Add(new JournalRow(
                    persistenceId, r.GetInt64(0), TextOrEmpty(r, 1), r.IsDBNull(2) ? 0 : r.GetInt32(2),
                    r.GetFieldValue<byte[]>(3), new DateTimeOffset(r.GetInt64(4), TimeSpan.Zero))
                {
                    IsDeleted = r.GetBoolean(5),
                });
            }
        }

        return rows;
    }

    private static Task<int> ExecuteAsync(
        NpgsqlDataSource source, string sql, CancellationToken cancel, params NpgsqlParameter[] parameters) =>
        PostgresErrors.RunAsync(source, async connection =>
        {
            using var command = new NpgsqlCommand(sql, connection);
            foreach (var parameter in parameters) command.Parameters.Add(parameter);
            return await command.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
        }, cancel);

    private static string TextOrEmpty(NpgsqlDataReader r, int column) => r.IsDBNull(column) ? "" : r.GetString(column);

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value };

    private static NpgsqlParameter<long> Number(long value) => new() { TypedValue = value };
}
