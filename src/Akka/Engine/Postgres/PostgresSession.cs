using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// One incarnation's connections: the one that holds its session lock and listens, a few for membership, and those of
/// the journal. All carry the node's name, so that whoever buries the node can end them.
/// </summary>
internal sealed class PostgresSession : IAsyncDisposable
{
    public const string Channel = "orchestrator_cluster";

    private readonly NpgsqlConnection life;
    private readonly CancellationTokenSource closing = new();
    private readonly Task listening;
    private int lost;

    private PostgresSession(
        NodeId node, NpgsqlConnection life, int lockNumber, NpgsqlDataSource control, NpgsqlDataSource journal,
        ChangeSignal changes, Action<string> onLost)
    {
        Node = node;
        LockNumber = lockNumber;
        Control = control;
        Journal = journal;
        this.life = life;
        listening = ListenAsync(changes, onLost);
    }

    public NodeId Node { get; }

    public int LockNumber { get; }

    public NpgsqlDataSource Control { get; }

    public NpgsqlDataSource Journal { get; }

    public bool IsLost => Volatile.Read(ref lost) != 0;

    public static string NameOf(NodeId node) => $"orchestrator/{node.Value:N}";

    public static async Task<PostgresSession> OpenAsync(
        PostgresSettings settings, NodeId node, ChangeSignal changes, Action<string> onLost, CancellationToken cancel)
    {
        var name = NameOf(node);
        var lifeSource = Source(settings, name, 1, c => { c.Pooling = false; c.KeepAlive = 2; });
        NpgsqlConnection? life = null;
        try
        {
            life = await PostgresErrors.OpenAsync(lifeSource, cancel).ConfigureAwait(false);
            using var take = new NpgsqlCommand(
                $"""
                WITH n AS MATERIALIZED (SELECT nextval('cluster.lock_number')::int AS number)
                SELECT number, pg_advisory_lock({Locks.Session}, number) FROM n
                """, life);
            int number;
            var reader = await take.ExecuteReaderAsync(cancel).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                await reader.ReadAsync(cancel).ConfigureAwait(false);
                number = reader.GetInt32(0);
            }

            using var listen = new NpgsqlCommand("LISTEN " + Channel, life);
            await listen.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
            return new PostgresSession(node, life, number, Source(settings, name, 3, _ => { }), JournalSource(settings, name),
                changes, onLost);
        }
        catch (Exception e) when (e is NpgsqlException and not PostgresException or TimeoutException or IOException)
        {
            if (life is not null) await life.DisposeAsync().ConfigureAwait(false);
            throw new StoreUnavailableException($"PostgreSQL did not give this node a session: {e.Message}", e)
            {
                CertainlyNotDone = true,
            };
        }
        catch
        {
            if (life is not null) await life.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Every statement of the journal reaches its rows by key: a plan made while the tables were small must
    /// not stay a scan when they are large, and planning again for each call would cost more than the write.</summary>
    public static NpgsqlDataSource JournalSource(PostgresSettings settings, string name) =>
        Source(settings, name, settings.JournalConnections, c =>
            c.Options = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off");

    public static NpgsqlDataSource Source(
        PostgresSettings settings, string name, int connections, Action<NpgsqlConnectionStringBuilder> more)
    {
        var c = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            ApplicationName = name,
            MaxPoolSize = connections,
            MinPoolSize = 0,
            MaxAutoPrepare = 60,
            AutoPrepareMinUsages = 2,
            CommandTimeout = Math.Max(1, (int)settings.CommandTimeout.TotalSeconds),
            Timeout = Math.Max(1, (int)Math.Min(3, settings.CommandTimeout.TotalSeconds)),
            TcpKeepAlive = true,
            TcpKeepAliveTime = 1000,
            TcpKeepAliveInterval = 1000,
            NoResetOnClose = true,
            IncludeErrorDetail = true,
        };
        more(c);
        var source = new NpgsqlDataSourceBuilder(c.ConnectionString);
        return c.Host is { } hosts && hosts.Contains(',', StringComparison.Ordinal)
            ? source.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary)
            : source.Build();
    }

    public async ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref lost, 1);
        await closing.CancelAsync().ConfigureAwait(false);
        await listening.ConfigureAwait(false);
        await life.DisposeAsync().ConfigureAwait(false);
        await Control.DisposeAsync().ConfigureAwait(false);
        await Journal.DisposeAsync().ConfigureAwait(false);
        closing.Dispose();
    }

    private async Task ListenAsync(ChangeSignal changes, Action<string> onLost)
    {
        await Task.Yield();
        life.Notification += (_, _) => changes.Raise();
        try
        {
            while (true) await life.WaitAsync(closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or InvalidOperationException
                                      or OperationCanceledException)
        {
            if (Interlocked.Exchange(ref lost, 1) == 0) onLost(e.Message);
        }
    }
}
