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
    private readonly CancellationTokenSource ended = new();
    private readonly Action<string> lose;
    private int lost;

    private PostgresSession(
        NodeId node, ServerAddress server, NpgsqlConnection life, int lockNumber, NpgsqlDataSource control,
        NpgsqlDataSource journal, ChangeSignal changes, Action<string> onLost)
    {
        Node = node;
        Server = server;
        lose = onLost;
        LockNumber = lockNumber;
        Control = control;
        Journal = journal;
        Writers = new WarmConnections(journal, 2);
        this.life = life;
        listening = ListenAsync(changes);
    }

    public NodeId Node { get; }

    /// <summary>A session is one server's: after a failover there is another one.</summary>
    public ServerAddress Server { get; }

    public int LockNumber { get; }

    public NpgsqlDataSource Control { get; }

    public NpgsqlDataSource Journal { get; }

    /// <summary>Of the journal's connections those that write groups.</summary>
    public WarmConnections Writers { get; }

    public bool IsLost => Volatile.Read(ref lost) != 0;

    public static string NameOf(NodeId node) => $"orchestrator/{node.Value:N}";

    public static async Task<PostgresSession> OpenAsync(
        PrimaryRoute route, PostgresSettings settings, NodeId node, ChangeSignal changes, Action<string> onLost,
        CancellationToken cancel)
    {
        var name = NameOf(node);
        var server = route.Current
            ?? throw new StoreUnavailableException("No primary was found yet.") { CertainlyNotDone = true };
        var lifeSource = route.Build(server, name, 1, c => { c.Pooling = false; c.KeepAlive = 2; });
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
            return new PostgresSession(
                node, server, life, number, route.Build(server, name, 3, _ => { }),
                route.Build(server, name, settings.JournalConnections, Journaling), changes, onLost);
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
    public static void Journaling(NpgsqlConnectionStringBuilder connection) =>
        connection.Options = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off";

    /// <summary>Ends it although the server may still answer: it is not the primary any more.</summary>
    public void Abandon(string why)
    {
        ended.Cancel();
        Lose(why);
    }

    /// <summary>
    /// Waits for work on this session's server no longer than the session and the limit last. The work itself is not
    /// cancelled: a write that is cancelled while it waits for the standby becomes visible before it is safe.
    /// </summary>
    public async Task<T> WhileItLastsAsync<T>(
        Task<T> work, TimeSpan limit, TimeProvider time, CancellationToken cancel)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended.Token, cancel);
        try
        {
            return await work.WaitAsync(limit, time, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!work.IsCompleted && !cancel.IsCancellationRequested
            && e is OperationCanceledException or TimeoutException)
        {
            _ = work.ContinueWith(
                static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw new StoreUnavailableException(e is TimeoutException
                ? $"PostgreSQL did not answer within {limit.TotalSeconds:0.#} s"
                : "The session with PostgreSQL ended meanwhile.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        Interlocked.Exchange(ref lost, 1);
        await ended.CancelAsync().ConfigureAwait(false);
        await closing.CancelAsync().ConfigureAwait(false);
        await listening.ConfigureAwait(false);
        await life.DisposeAsync().ConfigureAwait(false);
        await Control.DisposeAsync().ConfigureAwait(false);
        await Writers.DisposeAsync().ConfigureAwait(false);
        await Journal.DisposeAsync().ConfigureAwait(false);
        closing.Dispose();
    }

    private void Lose(string why)
    {
        if (Interlocked.Exchange(ref lost, 1) == 0) lose(why);
    }

    private async Task ListenAsync(ChangeSignal changes)
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
            Lose(e.Message);
        }
    }
}
