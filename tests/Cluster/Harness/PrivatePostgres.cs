using Npgsql;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>A PostgreSQL of the test's own: own folder, own port, gone afterwards.</summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private const string Programs = "/usr/lib/postgresql/15/bin/";

    private readonly RunLog _log;
    private readonly string _folder;
    private ChildProcess? _postmaster;

    private PrivatePostgres(RunLog log, string folder, string address, int port)
    {
        _log = log;
        _folder = folder;
        Address = address;
        Port = port;
    }

    public static bool IsInstalled => File.Exists(Programs + "postgres");

    public string Address { get; }

    public int Port { get; }

    /// <summary>Null while it is stopped.</summary>
    public int? Pid => _postmaster is { HasExited: false } running ? running.Pid : null;

    public string ConnectionString =>
        $"Host={Address};Port={Port};Username=postgres;Database=orchestrator;Timeout=5;Command Timeout=15";

    /// <param name="address">Where it listens beside 127.0.0.1.</param>
    /// <param name="durable">With fsync, as in production; without it chaos is faster and the same in every other
    /// respect, because the machine itself does not lose power.</param>
    public static async Task<PrivatePostgres> Start(RunLog log, string folder, bool durable, string address = "127.0.0.1")
    {
        Directory.CreateDirectory(folder);
        if (Signals.IsRoot) await ChildProcess.Run("chown", "postgres", folder);
        var server = new PrivatePostgres(log, folder, address, Ports.Free());
        var data = Path.Combine(folder, "data");
        await RunTool("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
        var sync = durable ? "on" : "off";
        var listen = address == "127.0.0.1" ? address : $"127.0.0.1,{address}";
        await File.AppendAllTextAsync(Path.Combine(data, "postgresql.conf"), $"""

            port = {server.Port}
            listen_addresses = '{listen}'
            unix_socket_directories = '{folder}'
            max_connections = 300
            shared_buffers = 256MB
            fsync = {sync}
            full_page_writes = {sync}
            synchronous_commit = on
            log_min_messages = warning
            log_line_prefix = '%p '

            """);
        await File.AppendAllTextAsync(Path.Combine(data, "pg_hba.conf"), "host all all 10.88.0.0/24 trust\n");
        await server.StartAgain();
        await using var admin = new NpgsqlConnection(server.ConnectionString.Replace(
            "Database=orchestrator", "Database=postgres", StringComparison.Ordinal) + ";Pooling=false");
        await admin.OpenAsync();
        await using var create = new NpgsqlCommand("CREATE DATABASE orchestrator", admin);
        await create.ExecuteNonQueryAsync();
        return server;
    }

    /// <summary>A streaming copy of a primary on the same machine, with a folder and a port of its own.</summary>
    public static async Task<PrivatePostgres> StartStandby(RunLog log, string folder, PrivatePostgres primary)
    {
        Directory.CreateDirectory(folder);
        if (Signals.IsRoot) await ChildProcess.Run("chown", "postgres", folder);
        var server = new PrivatePostgres(log, folder, primary.Address, Ports.Free());
        var data = Path.Combine(folder, "data");
        await RunTool("pg_basebackup", "-D", data, "-h", "127.0.0.1", "-p", $"{primary.Port}", "-U", "postgres", "-R",
            "-X", "stream", "-c", "fast", "--no-sync");
        await File.AppendAllTextAsync(Path.Combine(data, "postgresql.conf"), $"""

            port = {server.Port}
            unix_socket_directories = '{folder}'
            wal_receiver_timeout = 5s
            wal_retrieve_retry_interval = 200ms

            """);
        await server.StartAgain();
        return server;
    }

    /// <summary>From now on a commit is answered only when the standby has it on disk, too.</summary>
    public async Task CommitOnlyWithStandby()
    {
        await Execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
        await Execute("SELECT pg_reload_conf()");
        await Wait.Until(async () =>
        {
            await using var connection = await Open();
            await using var ask = new NpgsqlCommand(
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')", connection);
            return (long)(await ask.ExecuteScalarAsync())! > 0;
        }, TimeSpan.FromSeconds(20), "the standby is synchronous");
    }

    public async Task Promote() => await Execute("SELECT pg_promote(true, 30)");

    /// <summary>What an operator does by mistake: the former primary comes up as a primary that needs no standby.</summary>
    public async Task StartAgainAlone()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "data", "postgresql.auto.conf"), "synchronous_standby_names = ''\n");
        await StartAgain();
    }

    /// <summary>What the nodes are given when there are two servers.</summary>
    public string Together(PrivatePostgres other) => ConnectionString
        .Replace($"Host={Address};Port={Port}", $"Host={Address}:{Port},{other.Address}:{other.Port}", StringComparison.Ordinal);

    /// <summary>kill -9 of all its processes: nothing is told to anybody, nothing is written.</summary>
    public async Task Kill()
    {
        if (_postmaster is not { HasExited: false } running) return;
        foreach (var pid in AllPids()) Signals.Send(pid, Signals.Kill);
        await running.Exited(TimeSpan.FromSeconds(30));
        _log.Add("harness", "postgres killed");
    }

    /// <summary>A planned stop: sessions are ended, the standby gets the last byte.</summary>
    public async Task StopFast()
    {
        if (_postmaster is not { HasExited: false } running) return;
        running.Signal(Signals.Int);
        await running.Exited(TimeSpan.FromSeconds(30));
        _log.Add("harness", "postgres stopped fast");
    }

    public async Task StartAgain()
    {
        if (_postmaster is not null) await _postmaster.DisposeAsync();
        // After a kill -9 the lock file of a process that is gone would be taken for another server's.
        File.Delete(Path.Combine(_folder, "data", "postmaster.pid"));
        var program = Programs + "postgres";
        string[] arguments = ["-D", Path.Combine(_folder, "data")];
        _postmaster = Signals.IsRoot
            ? ChildProcess.Start("postgres", _log, "setpriv",
                ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", program, .. arguments])
            : ChildProcess.Start("postgres", _log, program, arguments);
        await Wait.Until(Answers, TimeSpan.FromSeconds(30), "PostgreSQL answers",
            () => string.Join(" | ", _log.Of("postgres").TakeLast(5)));
    }

    /// <summary>As a crash of the database: no connection is told goodbye, nothing is checkpointed.</summary>
    public async Task StopAtOnce()
    {
        if (_postmaster is not { HasExited: false } running) return;
        running.Signal(Signals.Quit);
        await running.Exited(TimeSpan.FromSeconds(30));
        _log.Add("harness", "postgres stopped at once");
    }

    /// <summary>Every process of it stands still; connections stay open and nothing answers.</summary>
    public void Freeze() => SignalAll(Signals.Stop);

    public void Thaw() => SignalAll(Signals.Continue);

    /// <summary>The postmaster and its children.</summary>
    public IReadOnlyList<int> AllPids() => Pid is { } pid ? [pid, .. Signals.ChildrenOf(pid)] : [];

    public async Task<NpgsqlConnection> Open()
    {
        var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false;Application Name=harness");
        await connection.OpenAsync();
        return connection;
    }

    public async Task<int> Execute(string sql)
    {
        await using var connection = await Open();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_postmaster is { HasExited: false } running)
        {
            Thaw();
            running.Signal(Signals.Quit);
            try
            {
                await running.Exited(TimeSpan.FromSeconds(20));
            }
            catch (TimeoutException)
            {
                foreach (var pid in AllPids()) Signals.Send(pid, Signals.Kill);
            }
        }

        if (_postmaster is not null) await _postmaster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private void SignalAll(int signal)
    {
        foreach (var pid in AllPids()) Signals.Send(pid, signal);
        _log.Add("harness", signal == Signals.Stop ? "postgres frozen" : "postgres goes on");
    }

    private async Task<bool> Answers()
    {
        if (_postmaster is { HasExited: true }) throw new InvalidOperationException("PostgreSQL ended at its start");
        return (await TryTool("pg_isready", "-q", "-h", "127.0.0.1", "-p", $"{Port}")).Code == 0;
    }

    private static async Task RunTool(string tool, params IEnumerable<string> arguments)
    {
        var (code, words) = await TryTool(tool, arguments);
        if (code != 0) throw new InvalidOperationException($"{tool}: code {code}: {words}");
    }

    private static Task<(int Code, string Words)> TryTool(string tool, params IEnumerable<string> arguments) =>
        Signals.IsRoot
            ? ChildProcess.Try("setpriv",
                ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", Programs + tool, .. arguments])
            : ChildProcess.Try(Programs + tool, arguments);
}
