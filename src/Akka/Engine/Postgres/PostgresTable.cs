using System.Collections.Immutable;
using System.Data;
using Npgsql;
using NpgsqlTypes;

namespace Orchestrator.Engine.Postgres;

/// <summary>Reads and writes the table of members and shards; every change happens under the cluster's lock.</summary>
internal sealed class PostgresTable
{
    /// <summary>Of the members other than $1, those that are proved dead. A free lock proves it only on the server on
    /// which the lock was taken. After a restart every lease gets its full time again, and so it does when a standby took
    /// over: what its clock says of leases that another server gave is worth nothing, so they count from the first
    /// moment of its term.</summary>
    private const string DeadMembers = """
        SELECT m.node_id FROM cluster.members m WHERE m.node_id <> $1 AND (
            greatest(m.lease_until, pg_postmaster_start_time() + $2,
                     (SELECT max(since) FROM cluster.terms WHERE term > 1) + $2) < clock_timestamp()
            OR (m.lock_server = pg_postmaster_start_time()
                AND pg_try_advisory_xact_lock_shared(1330791170, m.lock_number)))
        """;

    private readonly Lock gate = new();
    private ClusterView known = ClusterView.Empty;

    /// <summary>The newest view that was read, without a self.</summary>
    public ClusterView Known
    {
        get { lock (gate) return known; }
    }

    /// <summary>One round trip: renews, and tells the version and who is dead.</summary>
    public static async Task<(bool Alive, long Version, NodeId[] Dead)> RenewAsync(
        NpgsqlConnection connection, NodeId self, TimeSpan lease, CancellationToken cancel)
    {
        using var command = new NpgsqlCommand(
            $"""
            WITH me AS (
                UPDATE cluster.members SET lease_until = clock_timestamp() + $2 WHERE node_id = $1 RETURNING 1
            )
            SELECT EXISTS (SELECT 1 FROM me), (SELECT version FROM cluster.meta), ARRAY({DeadMembers})
            """, connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = self.Value });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        var reader = await command.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            await reader.ReadAsync(cancel).ConfigureAwait(false);
            return (reader.GetBoolean(0), reader.GetInt64(1), Ids(reader.GetFieldValue<Guid[]>(2)));
        }
    }

    /// <summary>Reads what changed since the newest known view.</summary>
    public async Task<ClusterView> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancel).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var view = await ReadInsideAsync(connection, cancel).ConfigureAwait(false);
            await transaction.CommitAsync(cancel).ConfigureAwait(false);
            return Keep(view);
        }
    }

    /// <summary>
    /// Applies one rule in one transaction under the cluster's lock. Before an epoch rises, the old owner's sessions
    /// are ended if it is dead, and its writer lock is taken whole: no write under the old epoch can commit after.
    /// </summary>
    public async Task<ClusterView> ChangeAsync(
        NpgsqlConnection connection, NodeId self, TimeSpan lease, Entrance? entrance,
        Func<ClusterView, IReadOnlySet<NodeId>, DateTimeOffset, ClusterView> rule, CancellationToken cancel)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancel).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            using (var enter = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({Locks.Cluster}, 0)", connection))
                await enter.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
            var before = await ReadInsideAsync(connection, cancel).ConfigureAwait(false);
            var (dead, now) = await DeadAsync(connection, self, lease, cancel).ConfigureAwait(false);
            var after = rule(before, dead, now);
            if (!ReferenceEquals(after, before))
                await WriteAsync(connection, before, after, entrance, cancel).ConfigureAwait(false);
            await transaction.CommitAsync(cancel).ConfigureAwait(false);
            return Keep(after);
        }
    }

    private ClusterView Keep(ClusterView view)
    {
        lock (gate)
        {
            if (view.Version > known.Version) known = view;
            return view;
        }
    }

    private async Task<ClusterView> ReadInsideAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var since = Known;
        using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT version, restoration FROM cluster.meta"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "SELECT node_id, host, port, roles, app_version, status, shard_types, joined_at FROM cluster.members ORDER BY joined_at, node_id"));
        var shards = new NpgsqlBatchCommand(
            "SELECT shard_type, shard, owner, epoch, next FROM cluster.shards WHERE changed > $1");
        shards.Parameters.Add(new NpgsqlParameter<long> { TypedValue = since.Version });
        batch.BatchCommands.Add(shards);
        var reader = await batch.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            await reader.ReadAsync(cancel).ConfigureAwait(false);
            var (version, restoration) = (reader.GetInt64(0), reader.GetInt64(1));
            await reader.NextResultAsync(cancel).ConfigureAwait(false);
            var members = ImmutableArray.CreateBuilder<NodeRow>();
            while (await reader.ReadAsync(cancel).ConfigureAwait(false)) members.Add(Member(reader));
            await reader.NextResultAsync(cancel).ConfigureAwait(false);
            var rows = since.Shards.ToBuilder();
            while (await reader.ReadAsync(cancel).ConfigureAwait(false))
            {
                var row = Shard(reader);
                rows[row.Key] = row;
            }

            return new ClusterView(version, null, members.ToImmutable(), rows.ToImmutable()) { Restoration = restoration };
        }
    }

    private static async Task<(HashSet<NodeId> Dead, DateTimeOffset Now)> DeadAsync(
        NpgsqlConnection connection, NodeId self, TimeSpan lease, CancellationToken cancel)
    {
        using var ask = new NpgsqlCommand($"SELECT ARRAY({DeadMembers}), clock_timestamp()", connection);
        ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = self.Value });
        ask.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        var reader = await ask.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            await reader.ReadAsync(cancel).ConfigureAwait(false);
            return ([.. Ids(reader.GetFieldValue<Guid[]>(0))], reader.GetFieldValue<DateTimeOffset>(1));
        }
    }

    private static async Task WriteAsync(
        NpgsqlConnection connection, ClusterView before, ClusterView after, Entrance? entrance, CancellationToken cancel)
    {
        var gone = before.Members.Where(m => after.Members.All(a => a.Node.Id != m.Node.Id)).Select(m => m.Node.Id).ToArray();
        var moved = after.Shards.Values.Where(s => before.Shards.GetValueOrDefault(s.Key) != s).ToArray();
        var dispossessed = moved
            .Select(s => before.Shards.GetValueOrDefault(s.Key) is { Owner: { } owner } old && old.Epoch < s.Epoch ? owner : (NodeId?)null)
            .OfType<NodeId>().Concat(gone).Distinct().ToArray();
        using var batch = new NpgsqlBatch(connection);
        if (gone.Length > 0)
        {
            Add(batch,
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = ANY ($1) AND datname = current_database() AND pid <> pg_backend_pid()
                """,
                Array(gone.Select(PostgresSession.NameOf), NpgsqlDbType.Text));
        }

        if (dispossessed.Length > 0)
        {
            Add(batch,
                $"""
                SELECT pg_advisory_xact_lock({Locks.Writer}, lock_number)
                FROM (SELECT lock_number FROM cluster.members WHERE node_id = ANY ($1) ORDER BY 1) AS owners
                """,
                Array(dispossessed.Select(d => d.Value), NpgsqlDbType.Uuid));
        }

        if (gone.Length > 0)
        {
            Add(batch, "DELETE FROM cluster.members WHERE node_id = ANY ($1)",
                Array(gone.Select(d => d.Value), NpgsqlDbType.Uuid));
        }

        foreach (var row in after.Members)
        {
            var old = before.Members.FirstOrDefault(m => m.Node.Id == row.Node.Id);
            if (old is null && entrance is { } at) AddMember(batch, row, at);
            else if (old is not null && old != row) AddMemberChange(batch, row);
        }

        if (moved.Length > 0) AddShards(batch, moved, after.Version);
        Add(batch, "UPDATE cluster.meta SET version = $1, restoration = $2",
            new NpgsqlParameter<long> { TypedValue = after.Version }, new NpgsqlParameter<long> { TypedValue = after.Restoration });
        Add(batch, $"NOTIFY {PostgresSession.Channel}");
        await batch.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
    }

    private static void AddMember(NpgsqlBatch batch, NodeRow row, Entrance at) => Add(batch,
        """
        INSERT INTO cluster.members (node_id, host, port, roles, app_version, status, shard_types, joined_at,
                                     lease_until, lock_number, lock_server, schema_step)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9, $10, pg_postmaster_start_time(), $11)
        """,
        new NpgsqlParameter<Guid> { TypedValue = row.Node.Id.Value },
        new NpgsqlParameter<string> { TypedValue = row.Node.Host },
        new NpgsqlParameter<int> { TypedValue = row.Node.Port },
        Array(row.Node.Roles, NpgsqlDbType.Text),
        new NpgsqlParameter<string> { TypedValue = row.Node.AppVersion },
        new NpgsqlParameter<string> { TypedValue = row.Status.ToString() },
        Array(row.ShardTypes, NpgsqlDbType.Text),
        new NpgsqlParameter<DateTime> { TypedValue = row.JoinedAt.UtcDateTime },
        new NpgsqlParameter<TimeSpan> { TypedValue = at.Lease },
        new NpgsqlParameter<int> { TypedValue = at.LockNumber },
        new NpgsqlParameter<int> { TypedValue = at.SchemaStep });

    private static void AddMemberChange(NpgsqlBatch batch, NodeRow row) => Add(batch,
        "UPDATE cluster.members SET status = $2, shard_types = $3 WHERE node_id = $1",
        new NpgsqlParameter<Guid> { TypedValue = row.Node.Id.Value },
        new NpgsqlParameter<string> { TypedValue = row.Status.ToString() },
        Array(row.ShardTypes, NpgsqlDbType.Text));

    private static void AddShards(NpgsqlBatch batch, ShardRow[] moved, long version) => Add(batch,
        """
        INSERT INTO cluster.shards (shard_type, shard, owner, epoch, next, changed)
        SELECT t, s, o, e, n, $6 FROM unnest($1, $2, $3, $4, $5) AS u(t, s, o, e, n)
        ON CONFLICT (shard_type, shard) DO UPDATE
        SET owner = excluded.owner, epoch = excluded.epoch, next = excluded.next, changed = excluded.changed
        """,
        Array(moved.Select(s => s.Key.Type), NpgsqlDbType.Text),
        Array(moved.Select(s => s.Key.Shard), NpgsqlDbType.Text),
        Array(moved.Select(s => s.Owner?.Value), NpgsqlDbType.Uuid),
        Array(moved.Select(s => s.Epoch), NpgsqlDbType.Bigint),
        Array(moved.Select(s => s.Next?.Value), NpgsqlDbType.Uuid),
        new NpgsqlParameter<long> { TypedValue = version });

    private static void Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
    }

    internal static NpgsqlParameter Array<T>(IEnumerable<T> values, NpgsqlDbType type) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type };

    private static NodeId[] Ids(Guid[] ids) => [.. ids.Select(i => new NodeId(i))];

    private static NodeRow Member(NpgsqlDataReader r) => new(
        new NodeDescription(
            new NodeId(r.GetGuid(0)), r.GetString(1), r.GetInt32(2), [.. r.GetFieldValue<string[]>(3)], r.GetString(4)),
        Enum.Parse<NodeStatus>(r.GetString(5)), r.GetFieldValue<DateTimeOffset>(7), [.. r.GetFieldValue<string[]>(6)]);

    private static ShardRow Shard(NpgsqlDataReader r) => new(
        new ShardKey(r.GetString(0), r.GetString(1)),
        r.IsDBNull(2) ? null : new NodeId(r.GetGuid(2)), r.GetInt64(3),
        r.IsDBNull(4) ? null : new NodeId(r.GetGuid(4)));
}

/// <summary>What a joining member brings besides its description.</summary>
internal sealed record Entrance(int LockNumber, TimeSpan Lease, int SchemaStep);
