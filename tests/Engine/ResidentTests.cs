using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Akka.Persistence;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Engine;

/// <summary>Who stays in memory, who leaves it, and who is brought back.</summary>
public sealed class ResidentTests(ITestOutputHelper output)
{
    private const int Limit = 10_000;

    private readonly MemoryEngineDatabase database = new(TimeProvider.System);

    [Fact]
    public async Task Fifty_thousand_touched_entities_stay_under_the_limit_and_lose_nothing()
    {
        await using var node = new TestNode(new MemoryEngineStore(database), more: $"orchestrator.sharding.resident-limit = {Limit}");
        await node.Membership.Joined.WaitAsync(TimeSpan.FromSeconds(20));
        var residents = Residents.Of(node.System);
        var most = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 50_000), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
            {
                Assert.Equal(0, (await node.SumAsync($"e{i}")).Sum);
                var now = residents.Count;
                for (var seen = most; now > seen && Interlocked.CompareExchange(ref most, now, seen) != seen; seen = most)
                {
                }
            });
        output.WriteLine($"at most {most} of 50,000 were in memory at once, the limit is {Limit}");
        Assert.InRange(most, Limit / 2, Limit);

        // Who asks again wakes it.
        Assert.Equal(0, (await node.SumAsync("e0")).Sum);
    }

    [Fact]
    public async Task Who_dozes_is_brought_back_when_its_shard_moves_and_who_passivates_is_not()
    {
        var woken = new List<string>();
        await using (var first = await Node())
        {
            await first.Region.Ask<string>("a dozes", TimeSpan.FromSeconds(10));
            await first.Region.Ask<string>("b passivates", TimeSpan.FromSeconds(10));
            await GoneAsync(first.System);
            lock (woken) woken.Clear();
        }

        await using var second = await Node();
        Assert.Equal("b answers", await second.Region.Ask<string>("b answers", TimeSpan.FromSeconds(10)));
        await UntilAsync(() => { lock (woken) return woken.Contains("a"); });
        lock (woken) Assert.Equal(["a", "b"], woken.Order());

        async Task<Sleepers> Node()
        {
            var node = new Sleepers(new MemoryEngineStore(database), woken);
            await NodeMembership.Of(node.System).Joined.WaitAsync(TimeSpan.FromSeconds(20));
            return node;
        }
    }

    private static Task GoneAsync(ActorSystem system) => UntilAsync(() => Residents.Of(system).Count == 0);

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition()) await beat.WaitForNextTickAsync(limit.Token);
    }

    /// <summary>A node whose entities write once and go to sleep in the way that they are told.</summary>
    private sealed class Sleepers : IAsyncDisposable
    {
        public Sleepers(IEngineStore store, List<string> woken)
        {
            System = EngineSystem.Create("test", ConfigurationFactory.ParseString("""
                akka.loglevel = WARNING
                akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
                """), new EngineSetup { Store = store });
            Region = ClusterSharding.Get(System).Start(
                "sleeper", id => Props.Create(() => new Sleeper(id, woken)), ClusterShardingSettings.Create(System),
                HashCodeMessageExtractor.Create(4, m => (m as string)?.Split(' ')[0]));
        }

        public ActorSystem System { get; }

        public IActorRef Region { get; }

        public async ValueTask DisposeAsync() => await System.Terminate();
    }

    private sealed class Sleeper : UntypedPersistentActor
    {
        private readonly string id;

        public Sleeper(string id, List<string> woken)
        {
            this.id = id;
            lock (woken) woken.Add(id);
        }

        public override string PersistenceId => "sleeper-" + id;

        protected override void OnCommand(object message)
        {
            if (message is not string command) return;
            Persist(new Added(1), _ =>
            {
                Sender.Tell(command, Self);
                if (command.EndsWith("dozes", StringComparison.Ordinal))
                    Context.Parent.Tell(new Doze(PoisonPill.Instance), Self);
                if (command.EndsWith("passivates", StringComparison.Ordinal))
                    Context.Parent.Tell(new Passivate(PoisonPill.Instance), Self);
            });
        }

        protected override void OnRecover(object message)
        {
        }
    }
}
