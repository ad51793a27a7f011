using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Orchestrator.Engine;

/// <summary>Who this node is to the cluster, and how long it may act without hearing from the store.</summary>
public sealed record NodeSettings(string ClusterId, string Host, int Port, ImmutableArray<string> Roles, string AppVersion)
{
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(3);

    public TimeSpan RenewInterval { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>So much before its lease ends on the store's clock the node stops itself.</summary>
    public TimeSpan Margin { get; init; } = TimeSpan.FromMilliseconds(500);
}

/// <summary>
/// This node's membership: joins, renews, keeps the newest view. Law: while <see cref="MayAct"/> is true nobody else
/// may own what this node owns. It ends before the lease does, at the loss of the session, or at the node's burial;
/// then <see cref="Isolated"/> is raised at once, and the node joins again by itself as a new incarnation.
/// </summary>
public sealed class NodeMembership : IAsyncDisposable
{
    private static readonly TimeSpan DeadlineLook = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan SaidAgainAfter = TimeSpan.FromSeconds(30);
    private readonly IEngineStore store;
    private readonly NodeSettings settings;
    private readonly TimeProvider time;
    private readonly ILoggingAdapter log;
    private readonly TaskScheduler scheduler;
    private readonly Func<Guid> newId;
    private readonly CancellationTokenSource closing = new();
    private readonly TaskCompletionSource joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock gate = new();
    private readonly ITimer deadlineTimer;
    private ImmutableArray<string> shardTypes = [];
    private CancellationTokenSource? pause;
    private bool refreshAsked;
    private ImmutableArray<NodeId> previous = [];
    private (string What, long Since) trouble = ("", 0);
    private volatile Incarnation? current;
    private volatile ClusterView view = ClusterView.Empty;
    private Task running = Task.CompletedTask;

    private sealed class Incarnation(NodeId id)
    {
        public NodeId Id { get; } = id;

        /// <summary>Timestamp after which it must not act; 0 when it is over.</summary>
        public long Deadline;
    }

    public NodeMembership(
        IEngineStore store, NodeSettings settings, TimeProvider time, ILoggingAdapter log, TaskScheduler? scheduler = null,
        Func<Guid>? newId = null)
    {
        this.store = store;
        this.settings = settings;
        this.time = time;
        this.log = log;
        this.scheduler = scheduler ?? TaskScheduler.Default;
        this.newId = newId ?? Guid.NewGuid;
        deadlineTimer = time.CreateTimer(_ => Check(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        store.SessionLost += why => Isolate(current, $"its session with the database ended: {why}");
    }

    /// <summary>Raised in order, never at the same time as itself, with each newer view.</summary>
    public event Action<ClusterView>? ViewChanged;

    /// <summary>Raised once per incarnation, synchronously: when it returns, whoever listens has stopped what it owns.</summary>
    public event Action<string>? Isolated;

    public NodeSettings Settings => settings;

    public ClusterView View => view;

    /// <summary>The present incarnation, or null while this node is no member.</summary>
    public NodeId? Self => current?.Id;

    /// <summary>Ends when this node has joined for the first time, or fails when it was refused for good.</summary>
    public Task Joined => joined.Task;

    /// <summary>Whether this node may act as the owner of its shards at this very moment. Cheap: ask before each order.</summary>
    public bool MayAct => Check();

    public bool IsMember(NodeId node) => view.Members.Any(m => m.Node.Id == node);

    public static NodeMembership Of(ActorSystem system) => Akka.Cluster.Cluster.Get(system).Membership;

    public void Start()
    {
        running = Task.Factory.StartNew(
            RunAsync, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();
        if (time != TimeProvider.System) return;
        // A timer needs a thread of the pool, and a busy pool gives one when the others may have taken the shards already.
        new Thread(Watch) { IsBackground = true, Name = "membership deadline" }.Start();
    }

    /// <summary>Asks the store at once, because something happened that the view does not show yet.</summary>
    public void Refresh()
    {
        lock (gate)
        {
            refreshAsked = true;
            pause?.Cancel();
        }
    }

    public async Task RegisterAsync(string shardType, ImmutableArray<string> shards, CancellationToken cancel)
    {
        lock (gate)
            if (!shardTypes.Contains(shardType)) shardTypes = shardTypes.Add(shardType);
        await joined.Task.WaitAsync(cancel);
        Take(await store.RegisterShardsAsync(shardType, shards, cancel));
    }

    public async Task HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel) =>
        Take(await store.HandOverAsync(shard, epoch, cancel));

    public async Task LeaveAsync(CancellationToken cancel)
    {
        if (current is { } mine) Take(await store.LeaveAsync(mine.Id, cancel));
    }

    /// <summary>Ends the membership for good: what is still owned here is stopped first, then given away.</summary>
    public async Task RemoveAsync(CancellationToken cancel)
    {
        var mine = current;
        await CloseAsync();
        Isolate(mine, "it leaves the cluster");
        await running.WaitAsync(cancel);
        if (mine is not null) await store.RemoveAsync(mine.Id, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Isolate(current, "it stops");
        await running;
        await deadlineTimer.DisposeAsync();
    }

    /// <summary>What waits for the end goes on in turns of the dispatcher, not in the middle of the caller.</summary>
    private Task CloseAsync() => Task.Factory.StartNew(
        closing.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler);

    private void Watch()
    {
        do Check();
        while (!closing.Token.WaitHandle.WaitOne(DeadlineLook));
    }

    private async Task RunAsync()
    {
        while (!closing.IsCancellationRequested)
        {
            var mine = await JoinAsync();
            if (mine is null) return;
            joined.TrySetResult();
            while (ReferenceEquals(current, mine) && !closing.IsCancellationRequested)
            {
                await PauseAsync(settings.RenewInterval);
                if (!ReferenceEquals(current, mine) || closing.IsCancellationRequested) break;
                await RenewAsync(mine);
            }
        }
    }

    private async Task<Incarnation?> JoinAsync()
    {
        var started = time.GetTimestamp();
        var wait = TimeSpan.FromMilliseconds(50);
        while (!closing.IsCancellationRequested)
        {
            try
            {
                ImmutableArray<string> types;
                lock (gate) types = shardTypes;
                await store.PrepareAsync(settings.ClusterId, closing.Token);
                var mine = new Incarnation(new NodeId(newId()));
                var sent = time.GetTimestamp();
                var self = new NodeDescription(mine.Id, settings.Host, settings.Port, settings.Roles, settings.AppVersion)
                {
                    ShardTypes = types,
                    Replaces = previous,
                };
                // An attempt without an answer may have been carried out: the next one must not take it for another node.
                previous = previous.Add(mine.Id);
                var answer = await store.JoinAsync(self, settings.Lease, closing.Token);
                Prolong(mine, sent);
                trouble = ("", 0);
                current = mine;
                previous = [mine.Id];
                log.Info("Node {0} at {1}:{2} joined the cluster {3} of {4} members", mine.Id, settings.Host,
                    settings.Port, settings.ClusterId, answer.Members.Length);
                Take(answer);
                return mine;
            }
            catch (StoreRefusedException e) when (e.TwinLives
                && time.GetElapsedTime(started) < settings.Lease + TimeSpan.FromSeconds(5))
            {
                Warn($"Not joined yet: {e.Message}");
            }
            catch (StoreRefusedException e) when (joined.Task.IsCompletedSuccessfully)
            {
                // It was a member once and owns nothing now: waiting costs nothing, and the reason may pass.
                log.Error("Not joined again: this node was refused by the database: {0}", e.Message);
                wait = TimeSpan.FromSeconds(2);
            }
            catch (StoreRefusedException e)
            {
                log.Error("This node was refused by the database: {0}", e.Message);
                joined.TrySetException(e);
                return null;
            }
            catch (StoreUnavailableException e)
            {
                // Nobody is buried while the store is away: the patience with a twin begins anew.
                started = time.GetTimestamp();
                Warn($"Not joined yet: {e.Message}");
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                break;
            }

            await DelayAsync(wait);
            wait = wait < TimeSpan.FromMilliseconds(500) ? wait * 2 : wait;
        }

        joined.TrySetCanceled();
        return null;
    }

    /// <summary>One line per trouble, and again after a while: an outage is many attempts, and one incident.</summary>
    private void Warn(string what)
    {
        if (trouble.What == what && time.GetElapsedTime(trouble.Since) < SaidAgainAfter) return;
        trouble = (what, time.GetTimestamp());
        log.Warning("{0}", what);
    }

    private async Task RenewAsync(Incarnation mine)
    {
        var sent = time.GetTimestamp();
        try
        {
            var answer = await store.RenewAsync(mine.Id, settings.Lease, closing.Token);
            if (answer.Self is null)
            {
                Isolate(mine, "the others buried it");
                return;
            }

            EngineMeters.Renewed(time.GetElapsedTime(sent));
            Prolong(mine, sent);
            trouble = ("", 0);
            Take(answer);
        }
        catch (StoreUnavailableException e)
        {
            Warn($"Node {mine.Id} could not renew its membership: {e.Message}");
            await DelayAsync(TimeSpan.FromMilliseconds(100));
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
        }
    }

    /// <summary>Counts from before the renewal was sent: the store's clock started the lease later than that.</summary>
    private void Prolong(Incarnation mine, long sent)
    {
        var until = settings.Lease - settings.Margin;
        lock (gate)
        {
            if (mine.Deadline < 0) return;
            Volatile.Write(ref mine.Deadline, sent + (long)(until.TotalSeconds * time.TimestampFrequency));
        }

        var left = until - time.GetElapsedTime(sent);
        deadlineTimer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private bool Check()
    {
        if (current is not { } mine) return false;
        if (time.GetTimestamp() < Volatile.Read(ref mine.Deadline)) return true;
        Isolate(mine, "its lease could not be renewed in time");
        return false;
    }

    private void Isolate(Incarnation? mine, string why)
    {
        if (mine is null) return;
        lock (gate)
        {
            if (mine.Deadline < 0) return;
            Volatile.Write(ref mine.Deadline, -1);
            if (ReferenceEquals(current, mine)) current = null;
        }

        if (closing.IsCancellationRequested) log.Info("Node {0} stops what it owns: {1}", mine.Id, why);
        else log.Warning("Node {0} is isolated and stops what it owns: {1}", mine.Id, why);
        Isolated?.Invoke(why);
        Refresh();
    }

    private void Take(ClusterView newer)
    {
        lock (raising)
        {
            // After a rejoin the version alone does not tell: the self is another one.
            if (newer.Version < view.Version || (newer.Version == view.Version && newer.Self == view.Self)) return;
            view = newer;
            ViewChanged?.Invoke(newer);
        }
    }

    private readonly Lock raising = new();

    private async Task PauseAsync(TimeSpan atMost)
    {
        using var mine = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        lock (gate)
        {
            if (refreshAsked)
            {
                refreshAsked = false;
                return;
            }

            pause = mine;
        }

        try
        {
            await store.WaitForChangeAsync(atMost, mine.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or StoreUnavailableException)
        {
        }
        finally
        {
            lock (gate)
            {
                pause = null;
                refreshAsked = false;
            }
        }
    }

    private async Task DelayAsync(TimeSpan wait)
    {
        try
        {
            await Task.Delay(wait, time, closing.Token);
        }
        catch (OperationCanceledException)
        {
        }
    }
}
