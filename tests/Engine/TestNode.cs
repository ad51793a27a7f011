using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Akka.Persistence;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Engine;

internal sealed record Add(string Id, int Amount);

internal sealed record Ask(string Id);

internal sealed record Total(string Id, int Sum, string Node);

internal sealed record Added(int Amount);

/// <summary>An actor system with a port and a region of counters, as one process of a cluster would have.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    public const string Type = "counter";
    private readonly IEngineStore store;

    public TestNode(IEngineStore store, int shards = 12, string more = "", RemoteIdentity? identity = null)
    {
        this.store = store;
        var config = ConfigurationFactory.ParseString(more + """

            akka.loglevel = WARNING
            akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
            akka.log-dead-letters = off
            """);
        System = EngineSystem.Create("test", config, new EngineSetup { Store = store, Identity = identity });
        Cluster = Cluster.Get(System);
        Region = ClusterSharding.Get(System).Start(
            Type, _ => Props.Create(() => new Counter()), ClusterShardingSettings.Create(System),
            HashCodeMessageExtractor.Create(shards, m => m switch { Add a => a.Id, Ask a => a.Id, _ => null }));
    }

    public ActorSystem System { get; }

    public Cluster Cluster { get; }

    public IActorRef Region { get; }

    public NodeMembership Membership => NodeMembership.Of(System);

    public ClusterView View => Membership.View;

    public int Owned => View.Shards.Values.Count(s => s.Owner == Membership.Self && s.Next is null);

    public Task<Total> AddAsync(string id, int amount, TimeSpan? patience = null) =>
        Region.Ask<Total>(new Add(id, amount), patience ?? TimeSpan.FromSeconds(15));

    public Task<Total> SumAsync(string id, TimeSpan? patience = null) =>
        Region.Ask<Total>(new Ask(id), patience ?? TimeSpan.FromSeconds(15));

    /// <summary>Ends when this node's view fulfils the wish.</summary>
    public async Task SeesAsync(Predicate<ClusterView> wish)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Membership.ViewChanged += Look;
        Look(View);
        await seen.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Membership.ViewChanged -= Look;

        void Look(ClusterView view)
        {
            if (wish(view)) seen.TrySetResult();
        }
    }

    public Task LeaveAsync() => Cluster.LeaveAsync();

    /// <summary>Dies as a killed process does: its session ends, its port closes, nothing is said.</summary>
    public async Task KillAsync()
    {
        await store.DisposeAsync();
        await Cluster.Transport.DisposeAsync();
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await System.Terminate();
        await store.DisposeAsync();
    }

    private sealed class Counter : UntypedPersistentActor
    {
        private int sum;

        public override string PersistenceId => "counter-" + Self.Path.Name;

        protected override void OnCommand(object message)
        {
            switch (message)
            {
                case Add add:
                    Persist(new Added(add.Amount), added =>
                    {
                        sum += added.Amount;
                        Sender.Tell(new Total(add.Id, sum, Cluster.Get(Context.System).SelfAddress.ToString()), Self);
                    });
                    break;
                case Ask ask:
                    Sender.Tell(new Total(ask.Id, sum, Cluster.Get(Context.System).SelfAddress.ToString()), Self);
                    break;
            }
        }

        protected override void OnRecover(object message)
        {
            if (message is Added added) sum += added.Amount;
        }
    }
}
