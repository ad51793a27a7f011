using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// The way to the one primary among the configured servers. All are asked at the same time, so that one that hangs
/// costs no more than its time-out; Npgsql's own choice goes through them in order, would wait for a dead one again and
/// again, and would write to a former primary that came back.
/// </summary>
public sealed class PrimaryRoute : IAsyncDisposable
{
    /// <summary>A server that needs longer for the shortest of answers is taken for one that hangs, as far as threads go.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(500);

    private readonly PostgresSettings settings;
    private readonly TimeProvider time;
    private readonly ImmutableArray<ServerAddress> servers;
    private readonly ImmutableDictionary<ServerAddress, NpgsqlDataSource> probes;
    private readonly TermFile file;
    private readonly Lock gate = new();
    private readonly Dictionary<string, (ServerAddress Server, NpgsqlDataSource Source)> pools = [];
    private readonly List<NpgsqlDataSource> retired = [];
    private readonly SpareThreads spare = new();
    private readonly CancellationTokenSource closing = new();
    private Task watching = Task.CompletedTask;
    private ServerAddress? current;
    private Term? known;

    /// <summary>Who reigns, or reigned, under the newest term that this node has seen.</summary>
    private ServerAddress? holder;

    private string lastWords = "";
    private bool started;

    public PrimaryRoute(PostgresSettings settings, TimeProvider time)
    {
        this.settings = settings;
        this.time = time;
        file = new TermFile(settings.TermFile);
        servers = Servers(settings.ConnectionString);
        probes = servers.ToImmutableDictionary(s => s, s => NpgsqlDataSource.Create(Alone(s, "orchestrator/probe", 2, c =>
        {
            c.Timeout = Math.Max(1, (int)Patience.TotalSeconds);
            c.CommandTimeout = c.Timeout;
        })));
        current = servers.Length == 1 ? servers[0] : null;
    }

    /// <summary>Raised on any thread when another server than before is the primary. Connections to the former one
    /// must not be used any more.</summary>
    public event Action<ServerAddress>? Moved;

    /// <summary>Null before the first answer.</summary>
    public ServerAddress? Current
    {
        get { lock (gate) return current; }
    }

    /// <summary>The newest term that this node has seen; a server that lacks it is not written to.</summary>
    public Term? Known
    {
        get { lock (gate) return known; }
    }

    public bool HasSeveral => servers.Length > 1;

    /// <summary>The only server gets all the time that a statement has: there is nobody to go to instead.</summary>
    private TimeSpan Patience => HasSeveral ? settings.ProbeTimeout : settings.CommandTimeout;

    /// <summary>Asks all servers and answers the one primary.</summary>
    /// <exception cref="StoreUnavailableException">There is none now, or only a former one.</exception>
    public async Task<ServerAddress> FindAsync(CancellationToken cancel)
    {
        Begin();
        // What is learned while they answer may be newer than their answers.
        var before = Known;
        var answers = await AskAllAsync(before, cancel).ConfigureAwait(false);
        var (chosen, why) = PrimaryChoice.Choose(answers, before);
        if (chosen is null)
        {
            if (Interlocked.Exchange(ref lastWords, why) != why && HasSeveral) PostgresLog.NoPrimary(settings.Log, why);
            throw new StoreUnavailableException($"PostgreSQL cannot be reached: {why}") { CertainlyNotDone = true };
        }

        Interlocked.Exchange(ref lastWords, "");
        Take(chosen.Address);
        return chosen.Address;
    }

    /// <summary>Notes the term under which the primary reigns. Older ones change nothing.</summary>
    public void Learn(Term term)
    {
        lock (gate)
        {
            if (known?.Number > term.Number) return;
            holder = current;
            if (known?.Number == term.Number) return;
            known = term;
        }

        file.Write(term);
        if (Current is { } server) PostgresLog.Primary(settings.Log, server, term.Number, term.Timeline);
    }

    /// <summary>A pool that leads to the primary of the moment: ask for each use, keep none.</summary>
    /// <exception cref="NpgsqlException">No primary was found yet.</exception>
    public NpgsqlDataSource Pool(string name, int connections, Action<NpgsqlConnectionStringBuilder> more)
    {
        lock (gate)
        {
            var server = current ?? throw new NpgsqlException("no primary was found yet");
            if (pools.TryGetValue(name, out var pool))
            {
                if (pool.Server == server) return pool.Source;
                retired.Add(pool.Source);
            }

            var source = Build(server, name, connections, more);
            pools[name] = (server, source);
            return source;
        }
    }

    /// <summary>A pool of one server alone. Every new connection proves that the server may be written to.</summary>
    internal NpgsqlDataSource Build(
        ServerAddress server, string name, int connections, Action<NpgsqlConnectionStringBuilder> more)
    {
        var source = new NpgsqlDataSourceBuilder(Alone(server, name, connections, more));
        source.UsePhysicalConnectionInitializer(
            connection => throw new NotSupportedException($"{connection.Host}: connections are opened asynchronously"),
            connection => TermTable.CheckAsync(connection, server, Known));
        return source.Build();
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        spare.Dispose();
        NpgsqlDataSource[] all;
        lock (gate) all = [.. pools.Values.Select(p => p.Source), .. retired, .. probes.Values];
        foreach (var source in all) await source.DisposeAsync().ConfigureAwait(false);
        closing.Dispose();
    }

    private static ImmutableArray<ServerAddress> Servers(string connectionString)
    {
        var c = new NpgsqlConnectionStringBuilder(connectionString);
        return
        [
            .. (c.Host ?? "127.0.0.1").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(h => h.LastIndexOf(':') is var colon and > 0 && !h.StartsWith('/')
                    && (!h.Contains('[', StringComparison.Ordinal) || h[colon - 1] == ']')
                    && int.TryParse(h.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                    ? new ServerAddress(h[..colon], port)
                    : new ServerAddress(h, c.Port)).Distinct(),
        ];
    }

    private string Alone(
        ServerAddress server, string name, int connections, Action<NpgsqlConnectionStringBuilder> more)
    {
        var c = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            Host = server.Host,
            Port = server.Port,
            ApplicationName = name,
            MaxPoolSize = connections,
            MinPoolSize = 0,
            MaxAutoPrepare = 60,
            AutoPrepareMinUsages = 2,
            CommandTimeout = Math.Max(1, (int)settings.CommandTimeout.TotalSeconds),
            Timeout = Math.Max(1, (int)Math.Min(3, settings.CommandTimeout.TotalSeconds)),
            // A statement that is cancelled while it waits for the standby is told to be done. So: break, never believe.
            CancellationTimeout = -1,
            TcpKeepAlive = true,
            TcpKeepAliveTime = 1000,
            TcpKeepAliveInterval = 1000,
            NoResetOnClose = true,
            IncludeErrorDetail = true,
        };
        c.Remove("Target Session Attributes");
        c.Remove("Load Balance Hosts");
        more(c);
        return c.ConnectionString;
    }

    /// <summary>Who was promoted is known before a former primary that hangs has used up its time: nothing that it could
    /// still say makes it the newer one.</summary>
    private async Task<IReadOnlyList<ServerAnswer>> AskAllAsync(Term? before, CancellationToken cancel)
    {
        ServerAddress? former;
        lock (gate) former = holder;
        var questions = servers.Select(s => AskAsync(s, cancel)).ToArray();
        await Task.WhenAll(questions.Where((_, i) => servers[i] != former)).ConfigureAwait(false);
        var others = questions.Where(q => q.IsCompletedSuccessfully).Select(q => q.Result).ToArray();
        return before is not null && PrimaryChoice.Choose(others, before).Chosen?.Timeline > before.Timeline
            ? others
            : await Task.WhenAll(questions).ConfigureAwait(false);
    }

    private async Task<ServerAnswer> AskAsync(ServerAddress server, CancellationToken cancel)
    {
        try
        {
            var question = AskOnceAsync(server, cancel);
            if (await IsSlowAsync(question, cancel).ConfigureAwait(false)) spare.Note(server, hangs: true);
            var answer = await question.WaitAsync(Patience, time, cancel).ConfigureAwait(false);
            spare.Note(server, hangs: false);
            return answer;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            spare.Note(server, hangs: e is TimeoutException or NpgsqlException { InnerException: TimeoutException });
            return new ServerAnswer(server, e.Message, false, 0, default, 0, []);
        }
    }

    /// <summary>The threads must be there before the first statement has timed out.</summary>
    private async Task<bool> IsSlowAsync(Task question, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var first = await Task.WhenAny(question, Task.Delay(Slow, time, over.Token)).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        // A question that its asker calls off was not slow.
        return first != question && !cancel.IsCancellationRequested;
    }

    private async Task<ServerAnswer> AskOnceAsync(ServerAddress server, CancellationToken cancel)
    {
        var connection = await probes[server].OpenConnectionAsync(cancel).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return await TermTable.AskAsync(connection, server, cancel).ConfigureAwait(false);
    }

    private void Take(ServerAddress server)
    {
        ServerAddress? former;
        lock (gate)
        {
            former = current;
            current = server;
        }

        if (former is null || former == server) return;
        PostgresLog.Moved(settings.Log, server, former);
        Moved?.Invoke(server);
    }

    private void Begin()
    {
        lock (gate)
        {
            if (started) return;
            started = true;
            known = file.Read();
            watching = Task.Run(WatchAsync);
        }
    }

    /// <summary>A primary that was promoted while the former one still answers must be found by those, too, who have no
    /// reason to look for it; and a server that hangs is to be noticed before it holds all threads.</summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(settings.ProbeInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(closing.Token).ConfigureAwait(false))
            {
                try
                {
                    await FindAsync(closing.Token).ConfigureAwait(false);
                }
                catch (StoreUnavailableException)
                {
                    // Said already; whoever needs the database hears it again.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The store ends.
        }
    }
}
