using System.Collections.Immutable;
using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// The store on PostgreSQL. One object serves one node through all its incarnations: each <see cref="JoinAsync"/>
/// opens a new session with connections of its own and drops those of the incarnation before.
/// </summary>
public sealed class PostgresEngineStore : IEngineStore
{
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(1);

    private readonly PostgresSettings settings;
    private readonly TimeProvider time;
    private readonly PostgresJournal journal;
    private readonly PostgresTable table = new();
    private readonly ChangeSignal changes = new();
    private readonly SemaphoreSlim oneChange = new(1, 1);
    private readonly PostgresSchema schema;
    private volatile PostgresSession? session;
    private (ServerAddress Server, bool Replicated)? told;
    private TimeSpan lastLease = TimeSpan.FromSeconds(3);

    public PostgresEngineStore(PostgresSettings settings, TimeProvider? time = null)
    {
        this.settings = settings;
        this.time = time ?? TimeProvider.System;
        journal = new PostgresJournal(settings, this.time);
        schema = new PostgresSchema(settings.Migrations, settings.EngineVersion);
        Route = new PrimaryRoute(settings, this.time);
        Route.Moved += server => session?.Abandon($"{server} is the primary now");
    }

    /// <summary>The way to the database, for all else that this process keeps there.</summary>
    public PrimaryRoute Route { get; }

    /// <summary>Whether an accepted command survives the loss of the primary: false when several servers are configured
    /// and commits do not wait for a standby. Null before the database was reached, or with one server.</summary>
    public bool? IsReplicated => told?.Replicated;

    public event Action<string>? SessionLost;

    public async Task PrepareAsync(string clusterId, CancellationToken cancel)
    {
        var server = await Route.FindAsync(cancel).ConfigureAwait(false);
        await PostgresErrors.RunAsync(Outside, async connection =>
        {
            foreach (var step in await schema.PrepareAsync(connection, clusterId, cancel).ConfigureAwait(false))
                PostgresLog.Step(settings.Log, step.Number, step.Name);
            Route.Learn(await TermTable.EnsureAsync(connection, server, cancel).ConfigureAwait(false));
            if (Route.HasSeveral) await TellAsync(connection, server, cancel).ConfigureAwait(false);
            return true;
        }, cancel).ConfigureAwait(false);
    }

    /// <summary>The steps of the schema, done and still to do; changes nothing.</summary>
    public async Task<ImmutableArray<SchemaStep>> SchemaStatusAsync(CancellationToken cancel)
    {
        await Route.FindAsync(cancel).ConfigureAwait(false);
        return await PostgresErrors.RunAsync(Outside, c => schema.StatusAsync(c, cancel), cancel).ConfigureAwait(false);
    }

    /// <summary>Says that this database was restored from a backup: see <see cref="ClusterRules.Restored"/>. Asked again, it is
    /// another restoration, which costs nothing but another search.</summary>
    /// <param name="wait">A node that was stopped a moment ago counts as alive until its lease has run out.</param>
    /// <exception cref="StoreRefusedException">A node is alive; nothing was changed.</exception>
    public async Task<ClusterView> RestoredAsync(TimeSpan wait, CancellationToken cancel)
    {
        var nobody = new NodeId(Guid.NewGuid());
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await PostgresErrors.RunAsync(Outside, c => table.ChangeAsync(
                    c, nobody, lastLease, null, static (before, dead, now) =>
                        before.Members.FirstOrDefault(m => !dead.Contains(m.Node.Id)) is { } living
                            ? throw new StoreRefusedException(
                                $"The node at {living.Node.Host}:{living.Node.Port} ({living.Node.Id}) is alive. Stop all nodes, then ask "
                                + "again. Nothing was changed.")
                            { TwinLives = true }
                            : ClusterRules.Restored(before, now), cancel), cancel).ConfigureAwait(false);
            }
            catch (StoreRefusedException e) when (e.TwinLives && time.GetElapsedTime(began) < wait)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>How many entities of a kind were ever journaled.</summary>
    public Task<long> CountAsync(string kind, CancellationToken cancel) =>
        PostgresErrors.RunAsync(Outside, async connection =>
        {
            using var ask = new NpgsqlCommand(
                "SELECT count(*) FROM akka.journal WHERE sequence_number = 1 AND persistence_id LIKE $1 || '-%'", connection);
            ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
            return (long)(await ask.ExecuteScalarAsync(cancel).ConfigureAwait(false))!;
        }, cancel);

    public async Task<ClusterView> JoinAsync(NodeDescription self, TimeSpan lease, CancellationToken cancel)
    {
        lastLease = lease;
        await DropSessionAsync().ConfigureAwait(false);
        var opened = await PostgresSession.OpenAsync(Route, settings, self.Id, changes, Lost, cancel).ConfigureAwait(false);
        try
        {
            var view = await PostgresErrors.RunAsync(
                opened.Control,
                c => table.ChangeAsync(c, self.Id, lease, new Entrance(opened.LockNumber, lease, schema.Newest), (before, dead, now) =>
                {
                    dead = dead.Concat(self.Replaces).ToHashSet();
                    if (before.Members.FirstOrDefault(m => IsTwin(m.Node, self) && !dead.Contains(m.Node.Id)) is { } twin)
                    {
                        throw new StoreRefusedException(
                            $"A node at {self.Host}:{self.Port} ({twin.Node.Id}) is a living member already. Stop it, or "
                            + "give this node another address.")
                        { TwinLives = true };
                    }

                    if (VersionRules.Refusal(self, before.Members.Where(m => !dead.Contains(m.Node.Id))) is { } tooFar)
                        throw new StoreRefusedException(tooFar);
                    return ClusterRules.Join(before, self, dead, now);
                }, cancel), cancel).ConfigureAwait(false);
            session = opened;
            return Seen(view, self.Id);
        }
        catch
        {
            await opened.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task<ClusterView> RenewAsync(NodeId self, TimeSpan lease, CancellationToken cancel)
    {
        var mine = Session(self);
        lastLease = lease;
        return await mine.WhileItLastsAsync(PostgresErrors.RunAsync(mine.Control, async connection =>
        {
            var (alive, version, dead) =
                await PostgresTable.RenewAsync(connection, self, lease, cancel).ConfigureAwait(false);
            if (alive && dead.Length > 0)
            {
                return Seen(await table.ChangeAsync(
                    connection, self, lease, null, (v, d, _) => Has(v, self) ? ClusterRules.Bury(v, d) : v, cancel)
                    .ConfigureAwait(false), self);
            }

            var known = table.Known;
            if (known.Version == version) return Seen(known, alive ? self : null);
            return Seen(await table.ReadAsync(connection, cancel).ConfigureAwait(false), alive ? self : null);
        }, cancel), settings.CommandTimeout * 2, time, cancel).ConfigureAwait(false);
    }

    public Task<ClusterView> LeaveAsync(NodeId self, CancellationToken cancel) =>
        ChangeAsync(self, v => ClusterRules.Leave(v, self), cancel);

    public async Task RemoveAsync(NodeId self, CancellationToken cancel)
    {
        await ChangeAsync(self, v => ClusterRules.Bury(v, new HashSet<NodeId> { self }), cancel).ConfigureAwait(false);
        await DropSessionAsync().ConfigureAwait(false);
    }

    public Task<ClusterView> RegisterShardsAsync(
        string shardType, ImmutableArray<string> shardIds, CancellationToken cancel)
    {
        var self = Session(null).Node;
        return ChangeAsync(self, v => Has(v, self) ? ClusterRules.Register(v, self, shardType, shardIds) : v, cancel);
    }

    public Task<ClusterView> HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel)
    {
        var self = Session(null).Node;
        return ChangeAsync(self, v => ClusterRules.HandOver(v, self, shard, epoch), cancel);
    }

    public Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancel) => changes.WaitAsync(atMost, time, cancel);

    public Task<ImmutableArray<WriteOutcome>> WriteAsync(ImmutableArray<JournalBatch> batches, CancellationToken cancel)
    {
        if (batches.IsEmpty) return Task.FromResult(ImmutableArray<WriteOutcome>.Empty);
        if (session is { } mine)
        {
            // Never cancelled on the server: see WhileItLastsAsync.
            return mine.WhileItLastsAsync(
                journal.WriteAsync(mine.Journal, mine.Writers, mine.Node, mine.LockNumber, batches, CancellationToken.None),
                settings.CommandTimeout, time, cancel);
        }

        if (batches.Any(b => b.Fence is not null)) throw NotJoined();
        return journal.WriteAsync(Outside, null, default, 0, batches, cancel);
    }

    public IAsyncEnumerable<JournalRow> ReplayAsync(string persistenceId, long fromSequenceNr, CancellationToken cancel) =>
        PostgresJournal.ReplayAsync(Source, persistenceId, fromSequenceNr, cancel);

    public Task<SnapshotRow?> LoadSnapshotAsync(string persistenceId, long atMostSequenceNr, CancellationToken cancel) =>
        PostgresJournal.LoadSnapshotAsync(Source, persistenceId, atMostSequenceNr, cancel);

    public Task<ImmutableArray<Past>> LoadPastsAsync(
        ImmutableArray<PastQuery> entities, int rowsAtMost, CancellationToken cancel) =>
        PostgresPasts.LoadAsync(Source, entities, rowsAtMost, cancel);

    public Task SaveSnapshotAsync(SnapshotRow snapshot, CancellationToken cancel) =>
        PostgresJournal.SaveSnapshotAsync(Source, snapshot, cancel);

    public Task DeleteSnapshotsAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel) =>
        PostgresJournal.DeleteSnapshotsAsync(Source, persistenceId, upToSequenceNr, cancel);

    public Task DeleteSnapshotAsync(string persistenceId, long sequenceNr, CancellationToken cancel) =>
        PostgresJournal.DeleteSnapshotAsync(Source, persistenceId, sequenceNr, cancel);

    public Task DeleteMessagesAsync(string persistenceId, long upToSequenceNr, CancellationToken cancel) =>
        PostgresJournal.DeleteMessagesAsync(Source, persistenceId, upToSequenceNr, cancel);

    public Task<ImmutableArray<string>> RememberedAsync(ShardKey shard, CancellationToken cancel) =>
        PostgresJournal.RememberedAsync(Source, shard, cancel);

    public Task ForgetAsync(ShardKey shard, long epoch, string entityId, CancellationToken cancel) =>
        PostgresJournal.ForgetAsync(Source, Session(null).Node, shard, epoch, entityId, cancel);

    /// <summary>Closes every connection without a farewell: the others see this node as dead.</summary>
    public async ValueTask DisposeAsync()
    {
        await DropSessionAsync().ConfigureAwait(false);
        await Route.DisposeAsync().ConfigureAwait(false);
        changes.Dispose();
    }

    private NpgsqlDataSource Source => session?.Journal ?? Outside;

    private NpgsqlDataSource Outside
    {
        get
        {
            try
            {
                return Route.Pool("orchestrator/outside", 4, PostgresSession.Journaling);
            }
            catch (NpgsqlException e)
            {
                throw new StoreUnavailableException(e.Message, e) { CertainlyNotDone = true };
            }
        }
    }

    private async Task TellAsync(NpgsqlConnection connection, ServerAddress server, CancellationToken cancel)
    {
        var replicated = await TermTable.CommitsAreReplicatedAsync(connection, cancel).ConfigureAwait(false);
        if (told == (server, replicated)) return;
        told = (server, replicated);
        if (replicated) PostgresLog.Replicated(settings.Log, server);
        else PostgresLog.NotReplicated(settings.Log, server);
    }

    /// <summary>One at a time: they would wait for each other in the database anyway, and hold connections that the
    /// renewal needs.</summary>
    private async Task<ClusterView> ChangeAsync(
        NodeId self, Func<ClusterView, ClusterView> rule, CancellationToken cancel)
    {
        await oneChange.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var mine = Session(self);
            return await mine.WhileItLastsAsync(
                PostgresErrors.RunAsync(
                    mine.Control,
                    async c => Seen(
                        await table.ChangeAsync(c, self, lastLease, null, (v, _, _) => rule(v), cancel).ConfigureAwait(false),
                        self),
                    cancel), settings.CommandTimeout * 3, time, cancel).ConfigureAwait(false);
        }
        finally
        {
            oneChange.Release();
        }
    }

    private void Lost(string why)
    {
        changes.Raise();
        SessionLost?.Invoke(why);
    }

    private async Task DropSessionAsync()
    {
        var old = session;
        session = null;
        if (old is null) return;
        try
        {
            await old.DisposeAsync().AsTask().WaitAsync(FarewellLimit, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Its server hangs. Nothing of the old session is used any more, and the kernel ends it some day.
        }
    }

    private PostgresSession Session(NodeId? self) =>
        session is { } mine && (self is null || mine.Node == self) ? mine : throw NotJoined();

    private static StoreUnavailableException NotJoined() =>
        new("This node is not a member of the cluster now.") { CertainlyNotDone = true };

    private static bool IsTwin(NodeDescription a, NodeDescription b) =>
        a.Host == b.Host && a.Port == b.Port && a.Id != b.Id;

    private static bool Has(ClusterView view, NodeId self) => view.Members.Any(m => m.Node.Id == self);

    private static ClusterView Seen(ClusterView view, NodeId? self) =>
        view with { Self = self is { } id ? view.Members.FirstOrDefault(m => m.Node.Id == id) : null };
}
