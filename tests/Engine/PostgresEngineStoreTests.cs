using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Orchestrator.Engine;
using Orchestrator.Engine.Postgres;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Engine;

[Collection(PostgresTests.Name)]
public sealed class PostgresEngineStoreTests(PostgresServer server, ITestOutputHelper output) : EngineStoreContract
{
    private string? database;

    private sealed record Sql(string Kind, string Statement) : ICompanionSql;

    protected override async Task<IEngineStore> OpenAsync() => new PostgresEngineStore(await SettingsAsync());

    protected override async Task PassLeaseAsync() =>
        await server.RunSqlAsync(Name, "UPDATE cluster.members SET lease_until = clock_timestamp() - interval '1 ms'; "
            + "SELECT pg_sleep(greatest(0, extract(epoch FROM pg_postmaster_start_time() + interval '3.1 s' - clock_timestamp())))");

    [SkippableFact]
    public async Task A_newer_schema_is_refused()
    {
        await using (var node = await JoinedAsync(1)) Assert.NotNull(node);
        await server.RunSqlAsync(Name, "INSERT INTO cluster.migrations (number, name) VALUES (9000, 'of the future')");
        await using var old = await OpenAsync();
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => old.PrepareAsync("test", default));
        Assert.Contains("newer version", refused.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Companions_are_there_exactly_when_the_events_are_and_only_newer_versions_replace()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", ["0"], default);
        var fence = new WriteFence(new ShardKey("vm", "0"), 1);
        await node.Store.WriteAsync(
        [
            Batch("a", 1, 1, fence, "w") with { Companions = [new("vm", "a", 1, """{"n":1}""")] },
            Batch("b", 9, 1, fence, "w") with { Companions = [new("vm", "b", 9, """{"n":9}""")] },
        ], default);
        await node.Store.WriteAsync(
        [
            Batch("a", 2, 1, fence, "w") with { Companions = [new("vm", "a", 2, """{"n":2}"""), new("vm", "a", 1, "{}")] },
        ], default);
        await node.Store.WriteAsync(
            [Batch("c", 1, 1, fence, "w") with { Companions = [new("vm", "a", 1, """{"n":0}""")] }], default);

        Assert.Equal("a 2 {\"n\": 2}", await AskAsync("SELECT string_agg(id || ' ' || version || ' ' || body, ';') FROM read.vm"));
    }

    [SkippableFact]
    public async Task A_restored_database_gives_higher_epochs_than_any_copy_of_it_can_have_given()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", ["0", "1"], default);
        await using var operating = new PostgresEngineStore(await SettingsAsync());
        await operating.PrepareAsync("test", default);
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => operating.RestoredAsync(TimeSpan.Zero, default));
        Assert.Contains("Stop all nodes", refused.Message, StringComparison.Ordinal);
        Assert.Equal("0 1 1", await AskAsync("SELECT max(m.restoration) || ' ' || min(s.epoch) || ' ' || max(s.epoch) FROM cluster.meta m, cluster.shards s"));

        await node.Store.RemoveAsync(node.Id, default);
        var first = await operating.RestoredAsync(TimeSpan.FromSeconds(10), default);
        Assert.True(first.Restoration > 200_000_000, "it is the clock's, so that an older backup cannot give it again");
        Assert.All(first.Shards.Values, s => Assert.Equal((null, first.Restoration << 32), (s.Owner, s.Epoch)));
        var second = await operating.RestoredAsync(TimeSpan.Zero, default);
        Assert.True(second.Restoration > first.Restoration);

        await using var next = await JoinedAsync(2);
        var view = await next.Store.RegisterShardsAsync("vm", ["0", "1"], default);
        Assert.Equal(second.Restoration, view.Restoration);
        Assert.All(view.Shards.Values, s => Assert.Equal((second.Restoration << 32) + 1, s.Epoch));
    }

    [SkippableFact]
    public async Task A_batch_that_the_database_cannot_hold_is_rejected_alone()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", ["0"], default);
        var fence = new WriteFence(new ShardKey("vm", "0"), 1);
        Assert.Equal([WriteOutcome.Written, WriteOutcome.Rejected, WriteOutcome.Written], await node.Store.OutcomesAsync(
        [
            Batch("a", 1, 1, fence, "w"),
            Batch("b", 1, 1, fence, "w") with { Companions = [new("vm", "b", 1, "not json")] },
            Batch("c", 1, 1, fence, "w"),
        ], default));
        Assert.Equal("a,c", await AskAsync("SELECT string_agg(persistence_id, ',' ORDER BY ordering) FROM akka.journal"));
    }

    [SkippableFact]
    public async Task A_half_sent_write_of_a_frozen_node_does_not_hold_its_burial_up()
    {
        await using var first = await JoinedAsync(1);
        await using var second = await JoinedAsync(2);
        await second.Store.RegisterShardsAsync("vm", ["0", "1"], default);
        await first.Store.RegisterShardsAsync("vm", ["0", "1"], default);
        await using var frozen = new NpgsqlConnection(
            server.Connection(Name) + $";Pooling=false;Application Name=orchestrator/{second.Id.Value:N}");
        await frozen.OpenAsync();
        await using var half = new NpgsqlCommand(
            "BEGIN; SELECT pg_advisory_xact_lock_shared(1330791171, lock_number) FROM cluster.members WHERE port = 4002", frozen);
        await half.ExecuteNonQueryAsync();

        await PassLeaseAsync();
        var clock = Stopwatch.StartNew();
        var view = await first.Store.RenewAsync(first.Id, Lease, default);

        Assert.Single(view.Members);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), $"the burial took {clock.Elapsed}");
    }

    [SkippableFact]
    public async Task With_fencing_off_a_stale_epoch_writes()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", ["0"], default);
        var stale = Batch("a", 1, 1, new WriteFence(new ShardKey("vm", "0"), 7), "w");
        Assert.Equal([WriteOutcome.NotOwner], await node.Store.OutcomesAsync([stale], default));
        await using var unfenced = new PostgresEngineStore((await SettingsAsync()) with { WriteFencing = WriteFencing.Off });
        await unfenced.PrepareAsync("test", default);
        await unfenced.JoinAsync(Describe(2), Lease, default);
        Assert.Equal([WriteOutcome.Written], await unfenced.OutcomesAsync([stale], default));
    }

    [SkippableFact]
    public async Task Journal_and_snapshot_have_the_layout_of_Akka_Persistence_Sql()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.WriteAsync([Batch("a", 1, 1, null, "w")], default);
        Assert.Equal(
            "ordering bigint NO,created bigint NO,deleted boolean NO,persistence_id text NO,sequence_number bigint NO,"
            + "message bytea NO,manifest text YES,identifier integer YES,writer_uuid text YES",
            await AskAsync("SELECT string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ',' ORDER BY ordinal_position) "
                + "FROM information_schema.columns WHERE table_schema = 'akka' AND table_name = 'journal'"));
        Assert.Equal("PK_journal,journal_created_idx,journal_sequence_number_idx,journal_uq",
            await AskAsync("SELECT string_agg(indexname, ',' ORDER BY indexname COLLATE \"C\") FROM pg_indexes "
                + "WHERE schemaname = 'akka' AND tablename = 'journal'"));
        var ticks = long.Parse((await AskAsync("SELECT created::text FROM akka.journal"))!, CultureInfo.InvariantCulture);
        Assert.InRange(DateTime.UtcNow.Ticks - ticks, 0, TimeSpan.TicksPerMinute);
    }

    [SkippableFact]
    public async Task Fifty_events_cost_at_most_five_milliseconds_of_the_database()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", [.. Enumerable.Range(0, 50).Select(i => $"{i}")], default);
        await WriteRoundAsync(1, 20);
        var before = await ServerCpuAsync();
        await WriteRoundAsync(21, 100);
        var each = (await ServerCpuAsync() - before) / 100;
        output.WriteLine($"{each.TotalMilliseconds:0.00} ms of PostgreSQL CPU for a write of 50 entities");
        Assert.True(each < TimeSpan.FromMilliseconds(5), $"{each.TotalMilliseconds} ms");

        async Task WriteRoundAsync(int from, int rounds)
        {
            for (var n = from; n < from + rounds; n++)
            {
                var number = n;
                var outcomes = await node.Store.WriteAsync(
                [
                    .. Enumerable.Range(0, 50).Select(i =>
                        Batch($"vm-{i}", number, 1, new WriteFence(new ShardKey("vm", $"{i}"), 1), "w") with
                        {
                            Remember = $"vm-{i}",
                            Companions = [new("vm", $"vm-{i}", number, """{"name":"web","status":"up"}""")],
                        }),
                ], default);
                Assert.All(outcomes, o => Assert.Equal(WriteOutcome.Written, o));
            }
        }
    }

    private string Name => new NpgsqlConnectionStringBuilder(database).Database!;

    private async Task<PostgresSettings> SettingsAsync() => new(database ??= await server.NewDatabaseAsync())
    {
        Migrations =
        [
            new Migration(100, "read",
                "CREATE SCHEMA read; CREATE TABLE read.vm (id text PRIMARY KEY, version bigint NOT NULL, body jsonb NOT NULL)"),
        ],
        Companions =
        [
            new Sql("vm",
                """
                INSERT INTO read.vm AS r (id, version, body)
                SELECT k, v, j::jsonb FROM unnest($1, $2, $3) AS u(k, v, j)
                ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body
                WHERE r.version < excluded.version
                """),
        ],
    };

    private async Task<string?> AskAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() as string;
    }

    /// <summary>User and system time of the backends of this database, from /proc.</summary>
    private async Task<TimeSpan> ServerCpuAsync()
    {
        var pids = (await AskAsync(
            "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"))!;
        var ticks = 0L;
        foreach (var pid in pids.Split(','))
        {
            var fields = (await File.ReadAllTextAsync($"/proc/{pid}/stat")).Split(") ")[1].Split(' ');
            ticks += long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        }

        return TimeSpan.FromMilliseconds(ticks * 10);
    }
}
