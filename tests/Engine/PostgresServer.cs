using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Orchestrator.Tests.Engine;

/// <summary>A private PostgreSQL under /tmp for the tests of one run, without fsync, stopped by its process id.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private readonly string folder = $"/tmp/orchestrator-test-{Guid.NewGuid():N}";
    private int databases;

    /// <summary>Why there is no server; null when it runs.</summary>
    public string? Missing { get; private set; }

    public int Port { get; } = FreePort();

    /// <summary>For tests of the store alone: a new, empty database.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        Skip.If(Missing is not null, Missing);
        var name = $"t{Interlocked.Increment(ref databases)}";
        await RunSqlAsync("postgres", $"CREATE DATABASE {name}");
        return Connection(name);
    }

    public string Connection(string database) =>
        $"Host=127.0.0.1;Port={Port};Username=postgres;Database={database};Include Error Detail=true";

    public async Task RunSqlAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(Connection(database) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public Task RestartAsync() => Task.Run(() => Control("restart", "-m", "fast"));

    public async Task InitializeAsync()
    {
        if (!File.Exists($"{Programs}/initdb"))
        {
            Missing = $"PostgreSQL 15 is not installed in {Programs}";
            return;
        }

        Directory.CreateDirectory(folder);
        Run("chown", "postgres", folder);
        AsPostgres($"{Programs}/initdb", "-D", $"{folder}/data", "-A", "trust", "-N", "-U", "postgres");
        await File.AppendAllTextAsync($"{folder}/data/postgresql.conf",
            $"""

             port = {Port}
             listen_addresses = '127.0.0.1'
             unix_socket_directories = '{folder}'
             fsync = off
             max_connections = 200
             """);
        Control("start", "-w");
    }

    public Task DisposeAsync()
    {
        if (Missing is null)
        {
            Control("stop", "-m", "immediate");
            Directory.Delete(folder, recursive: true);
        }

        return Task.CompletedTask;
    }

    private void Control(params string[] arguments) =>
        AsPostgres($"{Programs}/pg_ctl", ["-D", $"{folder}/data", "-l", $"{folder}/log", .. arguments]);

    private static void AsPostgres(string program, params string[] arguments) =>
        Run("runuser", ["-u", "postgres", "--", program, .. arguments]);

    private static void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = "/tmp" };
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode.ToString(CultureInfo.InvariantCulture)}.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

[CollectionDefinition(Name)]
public sealed class PostgresTests : ICollectionFixture<PostgresServer>
{
    public const string Name = "PostgreSQL";
}
