using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Engine;

/// <summary>
/// The timing law: while a node says that it may act, nobody has taken what it owns. Three memberships on a virtual clock;
/// their calls to the store take random times, before and after the store acts; some nodes' own clocks go wrong.
/// </summary>
public sealed class LeaseLawTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    [Fact]
    public void Whoever_may_act_is_still_a_member_whatever_the_store_takes()
    {
        var seed = Seed();
        var buried = 0;
        for (var run = 0; run < 30; run++) buried += Run(seed + run, drift: 0);
        Assert.True(buried > 30, $"only {buried} nodes were buried: the law was hardly tried");
    }

    /// <summary>The default margin of half a second in three allows a clock that loses a seventh.</summary>
    [Fact]
    public void A_slow_clock_within_the_margin_keeps_the_law()
    {
        var seed = Seed();
        for (var run = 0; run < 15; run++) Run(seed + run, drift: -0.12);
    }

    /// <summary>The checker itself: beyond the margin the law breaks, and the test sees it.</summary>
    [Fact]
    public void A_clock_far_slower_than_the_margin_allows_is_found_out()
    {
        var seed = Seed();
        Assert.Throws<LawBrokenException>(() =>
        {
            for (var run = 0; run < 60; run++) Run(seed + run, drift: -0.6);
        });
    }

    /// <summary>Nobody is buried while the store is away, and its lease counts anew afterwards: a node that finds its own
    /// twin in the store waits that long, too.</summary>
    [Fact]
    public void A_node_waits_for_its_dead_twin_over_an_outage_of_the_store()
    {
        var thread = new SingleThreadDispatcher(DateTimeOffset.UnixEpoch);
        var database = new MemoryEngineDatabase(thread.Clock);
        using var logs = EngineSystem.Create("twin", ConfigurationFactory.ParseString("akka.loggers=[]"), new EngineSetup
        {
            Clock = thread.Clock,
            Dispatcher = thread,
        });
        (SlowStore, NodeMembership) Begin(int seed)
        {
            var store = new SlowStore(new MemoryEngineStore(database), new Random(seed), thread.Clock);
            var node = new NodeMembership(
                store, new NodeSettings("law", "host", 1, [], "1"), thread.Clock, Logging.GetLogger(logs, "twin"),
                new DispatcherTaskScheduler(thread));
            node.Start();
            thread.Advance(TimeSpan.FromSeconds(1));
            return (store, node);
        }

        var (first, dead) = Begin(1);
        Assert.NotNull(dead.Self);
        first.IsAway = true;
        var (second, next) = Begin(2);
        Assert.Null(next.Self);
        second.IsAway = true;
        thread.Advance(TimeSpan.FromSeconds(12));
        database.Restart();
        second.IsAway = false;
        thread.Advance(TimeSpan.FromSeconds(8));
        Assert.False(next.Joined.IsFaulted, $"{next.Joined.Exception?.InnerException?.Message}");
        Assert.NotNull(next.Self);
    }

    /// <summary>Answers how many incarnations were buried.</summary>
    private static int Run(int seed, double drift)
    {
        var random = new Random(seed);
        var thread = new SingleThreadDispatcher(DateTimeOffset.UnixEpoch);
        var scheduler = new DispatcherTaskScheduler(thread);
        var database = new MemoryEngineDatabase(thread.Clock);
        using var logs = EngineSystem.Create("law", ConfigurationFactory.ParseString("akka.loggers=[]"), new EngineSetup
        {
            Clock = thread.Clock,
            Dispatcher = thread,
        });
        var incarnations = new HashSet<NodeId>();
        var nodes = Enumerable.Range(1, 3).Select(n =>
        {
            var slow = new SlowStore(new MemoryEngineStore(database), random, thread.Clock);
            var clock = n == 1 ? new DriftingClock(thread.Clock, 1 + drift) : thread.Clock;
            var node = new NodeMembership(
                slow, new NodeSettings("law", "host", n, [], "1"), clock, Logging.GetLogger(logs, "law"), scheduler);
            node.Start();
            return (Node: node, Store: slow);
        }).ToArray();
        for (var at = TimeSpan.Zero; at < TimeSpan.FromMinutes(2); at += Step)
        {
            if (random.Next(200) == 0) nodes[random.Next(3)].Store.Slowness = TimeSpan.FromMilliseconds(random.Next(5000));
            thread.Advance(Step);
            foreach (var (node, _) in nodes)
            {
                if (node.Self is not { } self || !node.MayAct) continue;
                incarnations.Add(self);
                if (database.View.Members.All(m => m.Node.Id != self))
                    throw new LawBrokenException($"seed {seed}, at {at}: node {self} may act and is buried");
            }
        }

        return incarnations.Count - 3;
    }

    private static int Seed()
    {
        var seed = Environment.GetEnvironmentVariable("SEED") is { } text
            ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
            : Environment.TickCount & 0xFFFFF;
        Console.WriteLine($"SEED={seed}");
        return seed;
    }

    private sealed class LawBrokenException(string message) : Exception(message);

    /// <summary>A clock that goes at another pace than the store's.</summary>
    private sealed class DriftingClock(TimeProvider inner, double pace) : TimeProvider
    {
        public override long TimestampFrequency => inner.TimestampFrequency;

        public override long GetTimestamp() => (long)(inner.GetTimestamp() * pace);

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            inner.CreateTimer(callback, state, dueTime < TimeSpan.Zero ? dueTime : dueTime / pace, period < TimeSpan.Zero ? period : period / pace);
    }

    /// <summary>Joining and renewing take a random time before the store acts, and another before the answer is there.</summary>
    private sealed class SlowStore(IEngineStore inner, Random random, TimeProvider clock) : IEngineStore
    {
        public TimeSpan Slowness { get; set; } = TimeSpan.FromMilliseconds(20);

        public bool IsAway { get; set; }

        public event Action<string>? SessionLost
        {
            add => inner.SessionLost += value;
            remove => inner.SessionLost -= value;
        }

        public Task PrepareAsync(string clusterId, CancellationToken cancel) => inner.PrepareAsync(clusterId, cancel);

        public Task<ClusterView> JoinAsync(NodeDescription self, TimeSpan lease, CancellationToken cancel) =>
            Slowly(() => inner.JoinAsync(self, lease, cancel));

        public Task<ClusterView> RenewAsync(NodeId self, TimeSpan lease, CancellationToken cancel) =>
            Slowly(() => inner.RenewAsync(self, lease, cancel));

        public Task<ClusterView> LeaveAsync(NodeId self, CancellationToken cancel) => inner.LeaveAsync(self, cancel);

        public Task RemoveAsync(NodeId self, CancellationToken cancel) => inner.RemoveAsync(self, cancel);

        public Task<ClusterView> RegisterShardsAsync(string type, ImmutableArray<string> shards, CancellationToken cancel) =>
            inner.RegisterShardsAsync(type, shards, cancel);

        public Task<ClusterView> HandOverAsync(ShardKey shard, long epoch, CancellationToken cancel) =>
            inner.HandOverAsync(shard, epoch, cancel);

        public Task WaitForChangeAsync(TimeSpan atMost, CancellationToken cancel) => Task.Delay(atMost, clock, cancel);

        public Task<ImmutableArray<WriteOutcome>> WriteAsync(ImmutableArray<JournalBatch> batches, CancellationToken cancel) =>
            inner.WriteAsync(batches, cancel);

        public IAsyncEnumerable<JournalRow> ReplayAsync(string persistenceId, long from, CancellationToken cancel) =>
            inner.ReplayAsync(persistenceId, from, cancel);

        public Task<SnapshotRow?> LoadSnapshotAsync(string persistenceId, long atMost, CancellationToken cancel) =>
            inner.LoadSnapshotAsync(persistenceId, atMost, cancel);

        public Task SaveSnapshotAsync(SnapshotRow snapshot, CancellationToken cancel) => inner.SaveSnapshotAsync(snapshot, cancel);

        public Task DeleteSnapshotsAsync(string persistenceId, long upTo, CancellationToken cancel) =>
            inner.DeleteSnapshotsAsync(persistenceId, upTo, cancel);

        public Task DeleteMessagesAsync(string persistenceId, long upTo, CancellationToken cancel) =>
            inner.DeleteMessagesAsync(persistenceId, upTo, cancel);

        public Task<ImmutableArray<string>> RememberedAsync(ShardKey shard, CancellationToken cancel) =>
            inner.RememberedAsync(shard, cancel);

        public Task ForgetAsync(ShardKey shard, long epoch, string entityId, CancellationToken cancel) =>
            inner.ForgetAsync(shard, epoch, entityId, cancel);

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private async Task<T> Slowly<T>(Func<Task<T>> call)
        {
            await Task.Delay(Slowness * random.NextDouble(), clock);
            if (IsAway) throw new StoreUnavailableException("away");
            var answer = await call();
            await Task.Delay(Slowness * random.NextDouble(), clock);
            return answer;
        }
    }
}
