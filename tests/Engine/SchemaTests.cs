using System.Collections.Immutable;
using Npgsql;
using Orchestrator.Engine;
using Orchestrator.Engine.Postgres;

namespace Orchestrator.Tests.Engine;

/// <summary>Steps of the schema on a real server: fresh, adopted, at the same time, too new, failing.</summary>
[Collection(PostgresTests.Name)]
public sealed class SchemaTests(PostgresServer server)
{
    private static readonly Migration[] _own =
    [
        new(100, "documents", "CREATE SCHEMA read; CREATE TABLE read.vm (id text PRIMARY KEY)"),
        new(390, "a column", "ALTER TABLE read.vm ADD COLUMN note text"),
    ];

    [SkippableFact]
    public async Task A_fresh_database_gets_every_step_once_and_a_record_of_each()
    {
        var database = await server.NewDatabaseAsync();
        await using var store = Open(database, _own);
        await store.PrepareAsync("test", default);
        await store.PrepareAsync("test", default);
        Assert.Equal("1,2,100,302", await Ask(database, "SELECT string_agg(number::text, ',' ORDER BY number) FROM cluster.migrations"));
        Assert.Equal("300 0.2.0,301 0.2.0,302 0.2.0,303 0.2.0,390 0.2.0", await Ask(database,
            "SELECT string_agg(number || ' ' || engine_version, ',' ORDER BY number) FROM cluster.schema_steps WHERE applied_at > now() - interval '1 hour'"));
        Assert.All(await store.SchemaStatusAsync(default), s => Assert.NotNull(s.At));
    }

    /// <summary>Version 0.1.0 made these tables by these very texts, and recorded 1 and 2.</summary>
    [SkippableFact]
    public async Task A_database_of_0_1_0_is_adopted_as_it_is_and_0_1_0_can_go_on_with_it()
    {
        var database = await server.NewDatabaseAsync();
        await Run(database, """
            CREATE SCHEMA cluster;
            CREATE TABLE cluster.meta (one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row), cluster_id text NOT NULL,
                version bigint NOT NULL DEFAULT 1) WITH (fillfactor = 50);
            CREATE TABLE cluster.migrations (number integer PRIMARY KEY, name text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
            """);
        foreach (var file in Directory.GetFiles(Released(), "*.sql").Order())
            await Run(database, await File.ReadAllTextAsync(file));
        await Run(database, """
            INSERT INTO cluster.migrations (number, name, applied_at) VALUES (1, 'cluster', '2026-01-01'), (2, 'journal', '2026-01-01');
            INSERT INTO cluster.meta (cluster_id) VALUES ('test');
            INSERT INTO akka.journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
            VALUES (1, false, 'vm-1', 1, '{}', 'vm.created.1', 1001, 'w');
            INSERT INTO cluster.members (node_id, host, port, roles, app_version, status, shard_types, joined_at,
                                         lease_until, lock_number, lock_server)
            VALUES (gen_random_uuid(), 'h', 1, '{}', '0.1.0+1', 'Up', '{}', now(), clock_timestamp(), 1, pg_postmaster_start_time())
            """);

        await using var store = Open(database);
        Assert.Equal([300, 301, 302, 303], (await store.SchemaStatusAsync(default)).Where(s => s.At is null).Select(s => s.Number));
        await store.PrepareAsync("test", default);

        Assert.Equal("2 2026-01-01", await Ask(database,
            "SELECT count(*) || ' ' || max(applied_at)::date FROM cluster.migrations"));
        Assert.Equal("vm.created.1", await Ask(database, "SELECT manifest FROM akka.journal"));
        // What 0.1.0 checks at its start and writes when it joins, word for word.
        Assert.Equal("0", await Ask(database, "SELECT count(*)::text FROM cluster.migrations WHERE number NOT IN (1, 2, 100, 201)"));
        await Run(database, """
            INSERT INTO cluster.members (node_id, host, port, roles, app_version, status, shard_types, joined_at,
                                         lease_until, lock_number, lock_server)
            VALUES (gen_random_uuid(), 'h', 2, '{}', '0.1.0+1', 'Up', '{}', now(), clock_timestamp(), 2, pg_postmaster_start_time())
            """);

        // Its entities would take a snapshot for the whole truth: none is written until the last of them is gone.
        var copy = new SnapshotRow("vm-1", 1, DateTimeOffset.UnixEpoch, "copy/x", 1001, new byte[1]);
        await store.SaveSnapshotAsync(copy, default);
        Assert.Null(await store.LoadSnapshotAsync("vm-1", 9, default));
        await Run(database, "DELETE FROM cluster.members");
        await store.PrepareAsync("test", default);
        await store.SaveSnapshotAsync(copy, default);
        Assert.NotNull(await store.LoadSnapshotAsync("vm-1", 9, default));
        Assert.Equal("302", await Ask(database, "SELECT max(number)::text FROM cluster.migrations"));
    }

    [SkippableFact]
    public async Task Three_nodes_that_start_at_once_do_each_step_once()
    {
        var database = await server.NewDatabaseAsync();
        Migration[] slow = [.. _own, new(391, "slow", "SELECT pg_sleep(0.3); INSERT INTO read.vm (id) VALUES ('once')")];
        var stores = Enumerable.Range(0, 3).Select(_ => Open(database, slow)).ToArray();
        await Task.WhenAll(stores.Select(s => s.PrepareAsync("test", default)));
        Assert.Equal("once", await Ask(database, "SELECT string_agg(id, ',') FROM read.vm"));
        Assert.Equal("1", await Ask(database, "SELECT count(*)::text FROM cluster.terms"));
        foreach (var store in stores) await store.DisposeAsync();
    }

    [SkippableFact]
    public async Task A_failing_step_leaves_nothing_of_itself_and_is_named()
    {
        var database = await server.NewDatabaseAsync();
        Migration[] broken =
        [
            .. _own, new(391, "half", "CREATE TABLE read.half (id text); SELECT 1 / 0"),
            new(392, "after", "CREATE TABLE read.after (id text)"),
        ];
        await using (var store = Open(database, broken))
        {
            var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => store.PrepareAsync("test", default));
            Assert.Contains("step 391 ('half')", refused.Message, StringComparison.Ordinal);
            Assert.Contains("division by zero", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal("390", await Ask(database, "SELECT max(number)::text FROM cluster.schema_steps"));
        Assert.Equal("", await Ask(database, "SELECT coalesce(to_regclass('read.half')::text, '') || coalesce(to_regclass('read.after')::text, '')"));
        await using var before = Open(database, _own);
        await before.PrepareAsync("test", default);
        broken[2] = new Migration(391, "half", "CREATE TABLE read.half (id text)");
        await using var mended = Open(database, broken);
        await mended.PrepareAsync("test", default);
        Assert.Equal("392", await Ask(database, "SELECT max(number)::text FROM cluster.schema_steps"));
    }

    [SkippableFact]
    public async Task A_newer_schema_lets_in_who_can_live_with_it_and_refuses_the_others()
    {
        var database = await server.NewDatabaseAsync();
        Migration[] next = [.. _own, new(391, "only adds", "ALTER TABLE read.vm ADD COLUMN more text")];
        await using (var newer = Open(database, next)) await newer.PrepareAsync("test", default);
        await using (var old = Open(database, _own)) await old.PrepareAsync("test", default);

        Migration[] far =
        [
            .. next, new(392, "takes note away", "ALTER TABLE read.vm DROP COLUMN note") { OldestReader = 391 },
        ];
        await using (var newest = Open(database, far, "0.3.0")) await newest.PrepareAsync("test", default);
        await using (var between = Open(database, next)) await between.PrepareAsync("test", default);
        await using var tooOld = Open(database, _own);
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => tooOld.PrepareAsync("test", default));
        Assert.Contains("step 392 ('takes note away', by engine 0.3.0", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Start engine 0.3.0 here", refused.Message, StringComparison.Ordinal);
        // 0.1.0 looks into this table alone, and refuses a number that it does not know.
        Assert.Equal("392", await Ask(database, "SELECT max(number)::text FROM cluster.migrations"));
    }

    [SkippableFact]
    public async Task A_step_that_takes_something_away_waits_for_the_slowest_member()
    {
        var database = await server.NewDatabaseAsync();
        Migration[] next = [.. _own, new(391, "only adds", "ALTER TABLE read.vm ADD COLUMN more text")];
        Migration[] far = [.. next, new(392, "takes away", "ALTER TABLE read.vm DROP COLUMN note") { OldestReader = 391 }];
        await using var old = Open(database, _own);
        await old.PrepareAsync("test", default);
        var slow = Member(1, "0.2.0");
        await old.JoinAsync(slow, TimeSpan.FromMinutes(1), default);

        await using var newest = Open(database, far, "0.3.0");
        await newest.PrepareAsync("test", default);
        Assert.Equal([392], (await newest.SchemaStatusAsync(default)).Where(s => s.At is null).Select(s => s.Number));
        await newest.JoinAsync(Member(2, "0.3.0"), TimeSpan.FromMinutes(1), default);

        await old.RemoveAsync(slow.Id, default);
        await newest.PrepareAsync("test", default);
        Assert.All(await newest.SchemaStatusAsync(default), s => Assert.NotNull(s.At));
    }

    [SkippableFact]
    public async Task A_version_two_steps_away_from_the_members_is_refused_by_name()
    {
        var database = await server.NewDatabaseAsync();
        await using var old = Open(database);
        await old.PrepareAsync("test", default);
        await old.JoinAsync(Member(1, "0.1.7+42"), TimeSpan.FromMinutes(1), default);
        await using var next = Open(database);
        await next.JoinAsync(Member(2, "0.2.0+43"), TimeSpan.FromMinutes(1), default);
        await using var far = Open(database);
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(
            () => far.JoinAsync(Member(3, "0.3.0+44"), TimeSpan.FromMinutes(1), default));
        Assert.Contains("version 0.3.0", refused.Message, StringComparison.Ordinal);
        Assert.Contains("0.1.7 (h1:1)", refused.Message, StringComparison.Ordinal);
        Assert.Equal("2", await Ask(database, "SELECT count(*)::text FROM cluster.members"));
        Assert.Equal("303", await Ask(database, "SELECT min(schema_step)::text FROM cluster.members"));
    }

    private static PostgresEngineStore Open(string database, Migration[]? own = null, string version = "0.2.0") =>
        new(new PostgresSettings(database) { Migrations = [.. own ?? []], EngineVersion = version });

    private static NodeDescription Member(int number, string version) =>
        new(new NodeId(Guid.NewGuid()), $"h{number}", number, ["engine"], version);

    private static async Task Run(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> Ask(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    private static string Released()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Orchestrator.sln"))) folder = Path.GetDirectoryName(folder)!;
        return Path.Combine(folder, "tests/Engine/Schema434f522");
    }
}
