using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Orchestrator.Api.Sso;

namespace Orchestrator.Tests.Api;

/// <summary>A PostgreSQL of the test's own, on a socket in its own folder; nothing listens on the network.</summary>
public sealed class OwnPostgres : IAsyncLifetime
{
    private const string Binaries = "/usr/lib/postgresql/15/bin";
    private readonly string _folder = Path.Combine("/tmp", $"api-pg-{Guid.NewGuid():N}");

    public NpgsqlDataSource? Database { get; private set; }

    public async Task InitializeAsync()
    {
        if (!File.Exists($"{Binaries}/initdb") || Environment.UserName != "root") return;
        Directory.CreateDirectory(_folder);
        await Run("chown", "postgres", _folder);
        await AsPostgres($"{Binaries}/initdb", "-D", $"{_folder}/data", "-A", "trust", "-N");
        await AsPostgres($"{Binaries}/pg_ctl", "-D", $"{_folder}/data", "-w", "-l", $"{_folder}/log",
            "-o", $"-k {_folder} -c listen_addresses=''", "start");
        Database = NpgsqlDataSource.Create($"Host={_folder};Username=postgres;Database=postgres");
        foreach (var (_, sql) in SsoSchema.Migrations)
        {
            await using var step = Database.CreateCommand(sql);
            await step.ExecuteNonQueryAsync();
        }
    }

    public async Task DisposeAsync()
    {
        if (Database is null) return;
        await Database.DisposeAsync();
        await AsPostgres($"{Binaries}/pg_ctl", "-D", $"{_folder}/data", "-m", "immediate", "stop");
        Directory.Delete(_folder, recursive: true);
    }

    private static Task AsPostgres(params string[] command) => Run("runuser", ["-u", "postgres", "--", .. command]);

    private static async Task Run(string program, params string[] arguments)
    {
        // The server inherits our streams, so nothing may wait for their end.
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1", program, .. arguments])
        {
            WorkingDirectory = "/tmp",
        })!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}

public sealed class PostgresSsoTests(OwnPostgres postgres) : IClassFixture<OwnPostgres>
{
    [SkippableFact]
    public async Task A_user_is_known_by_the_newest_password_only()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var users = new PostgresUsers(() => postgres.Database);
        await users.SetPassword("admin@internal", "first", true, default);
        await users.SetPassword("admin@internal", "second", true, default);
        Assert.Null(await users.Verify("admin@internal", "first", default));
        var user = await users.Verify("admin@internal", "second", default);
        Assert.True(user!.IsAdmin);
        Assert.Null(await users.Verify("nobody@internal", "second", default));
        Assert.Equal(user, Assert.Single(await users.List(default)));
    }

    [SkippableFact]
    public async Task A_revocation_reaches_the_other_nodes_and_outlives_the_one_that_made_it()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var log = NullLogger<PostgresTokenRevocations>.Instance;
        using var here = new PostgresTokenRevocations(() => postgres.Database, TimeProvider.System, log);
        using var there = new PostgresTokenRevocations(() => postgres.Database, TimeProvider.System, log);
        await there.StartAsync(default);

        var token = Guid.NewGuid();
        await here.Revoke(token, DateTimeOffset.UtcNow.AddHours(1), default);
        Assert.True(here.IsRevoked(token));
        await Eventually(() => there.IsRevoked(token));
        Assert.False(there.IsRevoked(Guid.NewGuid()));
        await there.StopAsync(default);

        using var later = new PostgresTokenRevocations(() => postgres.Database, TimeProvider.System, log);
        await later.StartAsync(default);
        await Eventually(() => later.IsRevoked(token));
        await later.StopAsync(default);
    }

    private static async Task Eventually(Func<bool> true_)
    {
        var limit = Stopwatch.StartNew();
        while (!true_())
        {
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(5), "not within 5 s");
            await Task.Delay(20);
        }
    }
}
