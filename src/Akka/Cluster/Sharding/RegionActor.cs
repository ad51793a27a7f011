using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using Orchestrator.Engine;
using Orchestrator.Engine.Remote;

namespace Akka.Cluster.Sharding;

/// <summary>
/// The way to the entities of one type, and the parent of those shards that this node owns.
/// Laws: a shard runs here only while the view names this very incarnation as owner under the shard's epoch and the
/// node may act; a message waits, in order and for a bounded time, while its shard has no home that can take it; a
/// message that came to the wrong node goes on; what cannot be delivered in the end is a dead letter, never nothing.
/// </summary>
internal sealed class RegionActor : ReceiveActor, IWithTimers, IPassesOn
{
    private const int MostHops = 6;

    private readonly RegionSettings settings;
    private readonly NodeMembership membership;
    private readonly IRemoteTransport transport;
    private readonly LocalSystem system;
    private readonly ILoggingAdapter log;
    private readonly int bufferSize;
    private readonly TimeSpan bufferTime;
    private readonly Dictionary<string, Home> homes = [];

    /// <summary>Read by the isolation callback in another thread: it must not wait for this actor's mailbox.</summary>
    private readonly ConcurrentDictionary<string, IActorRef> running = new();
    private readonly HashSet<string> registering = [];
    private readonly Turns handOverTurns;
    private IDisposable? ownershipLost;
    private ClusterView view = ClusterView.Empty;
    private int waiting;

    private sealed record ViewSeen(ClusterView View);

    private sealed record HandOverEnded(string Shard, Exception? Failure);

    private sealed record RegisterEnded(string Shard);

    private sealed class SelfIsolated
    {
        public static readonly SelfIsolated Instance = new();
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    /// <summary>What this node knows and holds of one shard.</summary>
    private sealed class Home
    {
        public IActorRef? Actor;
        public long Epoch;
        public bool Stopping;
        public bool HandingOver;

        /// <summary>Holds one of the node's turns from the beginning of its hand-over until it is somebody else's.</summary>
        public bool HasTurn;
        public bool HandOverSent;
        public Queue<(RoutedMessage Message, long Since)> Waiting { get; } = new();
    }

    public RegionActor(RegionSettings settings, NodeMembership membership, IRemoteTransport transport)
    {
        this.settings = settings;
        this.membership = membership;
        this.transport = transport;
        system = transport.System;
        log = Context.GetLogger();
        handOverTurns = ShardTurns.Of(system).HandOver;
        var config = Context.System.Settings.Config;
        bufferSize = config.GetInt("akka.cluster.sharding.buffer-size", 100_000);
        bufferTime = config.GetTimeSpan("orchestrator.sharding.buffer-time", TimeSpan.FromSeconds(30));

        Receive<RoutedMessage>(Route);
        Receive<ViewSeen>(seen => OnView(seen.View));
        Receive<HandOverEnded>(OnHandOverEnded);
        Receive<RegisterEnded>(ended => registering.Remove(ended.Shard));
        Receive<Terminated>(OnShardStopped);
        Receive<SelfIsolated>(_ => SettleAll());
        Receive<OwnershipLost>(OnOwnershipLost);
        Receive<TurnGranted>(_ => BeginHandOvers(holdsTurn: true));
        Receive<Tick>(_ => OnTick());
        Receive<ShardRegion.StartEntity>(start => RouteNew(start.EntityId, settings.Extractor.ShardId(start.EntityId), start));
        Receive<ShardingEnvelope>(e => RouteNew(e.EntityId, settings.Extractor.ShardId(e.EntityId, e.Message), e.Message));
        ReceiveAny(Extract);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        membership.ViewChanged += TellView;
        membership.Isolated += StopAtOnce;
        var self = Self;
        ownershipLost = EngineSystem.OnEvent<OwnershipLost>(Context.System, lost => self.Tell(lost, ActorRefs.NoSender));
        Timers.StartPeriodicTimer("tick", Tick.Instance, TimeSpan.FromMilliseconds(500));
        Self.Tell(new ViewSeen(membership.View), ActorRefs.NoSender);
    }

    protected override void PostStop()
    {
        membership.ViewChanged -= TellView;
        membership.Isolated -= StopAtOnce;
        ownershipLost?.Dispose();
        handOverTurns.Leave(Self);
        foreach (var home in homes.Values)
            while (home.Waiting.TryDequeue(out var left)) Lose(left.Message);
    }

    /// <summary>A failed shard is not restarted in place: it stops, and starts anew with what the store remembers.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void TellView(ClusterView newer) => selfRef.Tell(new ViewSeen(newer), ActorRefs.NoSender);

    private readonly IActorRef selfRef = Context.Self;

    private void StopAtOnce(string why)
    {
        foreach (var (_, shard) in running.OrderBy(r => r.Key, StringComparer.Ordinal)) system.Stop(shard);
        selfRef.Tell(SelfIsolated.Instance, ActorRefs.NoSender);
    }

    private void Extract(object message)
    {
        if (settings.Extractor.EntityId(message) is not { Length: > 0 } entity)
        {
            log.Warning("A message of {0} names no entity of {1} and is dropped", message.GetType(), settings.Type);
            Unhandled(message);
            return;
        }

        RouteNew(entity, settings.Extractor.ShardId(entity, message), settings.Extractor.EntityMessage(message) ?? message);
    }

    private void RouteNew(string entity, string shard, object message) =>
        Route(new RoutedMessage(settings.Type, shard, entity, message, Sender.IsNobody() ? null : Sender, 0, view.Version));

    private void Route(RoutedMessage message)
    {
        var home = HomeOf(message.Shard);
        if (message.Version > view.Version) membership.Refresh();
        if (home.Waiting.Count > 0 || message.Version > view.Version || !TrySend(home, message)) Wait(home, message);
    }

    /// <summary>Delivers here, or sends to the owner; false when neither can be done now.</summary>
    private bool TrySend(Home home, RoutedMessage message)
    {
        if (SelfNow is not { } self) return false;
        if (!view.Shards.TryGetValue(new ShardKey(settings.Type, message.Shard), out var row))
        {
            RegisterShard(message.Shard);
            return false;
        }

        if (row.Owner == self)
        {
            if (home.Actor is not { } shard || home.Stopping || home.HandingOver || home.Epoch != row.Epoch) return false;
            shard.Tell(message, message.Sender!);
            return true;
        }

        if (row.Owner is not { } owner || view.Members.FirstOrDefault(m => m.Node.Id == owner) is not { } there) return false;
        if (message.Hops >= MostHops)
        {
            // Views disagree for longer than views should: the next one decides.
            membership.Refresh();
            return false;
        }

        transport.Send(there.Node, message with { Hops = message.Hops + 1, Version = view.Version });
        return true;
    }

    private void Wait(Home home, RoutedMessage message)
    {
        if (waiting >= bufferSize)
        {
            log.Warning("The buffer of {0} is full with {1} messages: one more is a dead letter", settings.Type, waiting);
            Lose(message);
            return;
        }

        waiting++;
        home.Waiting.Enqueue((message, system.Clock.GetTimestamp()));
    }

    private void Flush(Home home)
    {
        while (home.Waiting.TryPeek(out var next))
        {
            if (next.Message.Version > view.Version || !TrySend(home, next.Message)) return;
            home.Waiting.Dequeue();
            waiting--;
        }
    }

    private void OnView(ClusterView newer)
    {
        if (newer.Version < view.Version) return;
        view = newer;
        if (settings.Entities is not null)
        {
            foreach (var row in newer.ShardsOf(settings.Type))
                if (row.Owner == newer.Self?.Node.Id) HomeOf(row.Key.Shard);
        }

        SettleAll();
    }

    private void SettleAll()
    {
        foreach (var (shard, home) in homes) Settle(shard, home);
        BeginHandOvers(holdsTurn: false);
    }

    /// <summary>A shard that is to go elsewhere works on here until it has its turn: so few are on their way at a time.</summary>
    private void BeginHandOvers(bool holdsTurn)
    {
        foreach (var (shard, home) in homes)
        {
            if (home.HasTurn || home.Stopping || OwnRow(shard) is not { Next: not null }) continue;
            if (!holdsTurn && !handOverTurns.TryTake(selfRef)) return;
            holdsTurn = false;
            home.HasTurn = true;
            Settle(shard, home);
        }

        if (holdsTurn) handOverTurns.Give(selfRef);
    }

    private ShardRow? OwnRow(string shard) =>
        settings.Entities is not null && SelfNow is { } self
        && view.Shards.TryGetValue(new ShardKey(settings.Type, shard), out var row) && row.Owner == self ? row : null;

    /// <summary>Brings what runs here to what the view says, then delivers what waits.</summary>
    private void Settle(string shard, Home home)
    {
        var row = OwnRow(shard);
        if (home.HasTurn && row?.Next is null)
        {
            home.HasTurn = false;
            handOverTurns.Give(selfRef);
        }

        if (home.Actor is { } actor)
        {
            if (row is null || row.Epoch != home.Epoch)
            {
                home.Stopping = true;
                Context.Stop(actor);
            }
            else if (home is { HasTurn: true, HandingOver: false })
            {
                home.HandingOver = true;
                actor.Tell(ShardActor.HandOver.Instance, ActorRefs.NoSender);
            }
        }
        else if (row is not null && (home.HasTurn || (row.Next is not null && handOverTurns.TryTake(selfRef))))
        {
            home.HasTurn = true;
            SendHandOver(shard, home, row);
        }
        else if (row is not null)
        {
            StartShard(shard, home, row);
        }

        Flush(home);
    }

    private void StartShard(string shard, Home home, ShardRow row)
    {
        home.Epoch = row.Epoch;
        home.Stopping = home.HandingOver = false;
        home.Actor = ((ActorCell)Context).ActorOf(
            Props.Create(() => new ShardActor(settings, row.Key, row.Epoch, system.Setup.Store!)),
            Uri.EscapeDataString(shard));
        running[shard] = home.Actor;
        Context.Watch(home.Actor);

        // The isolation may have been raised between the look at the view and this line.
        if (SelfNow is null) system.Stop(home.Actor);
    }

    private void SendHandOver(string shard, Home home, ShardRow row)
    {
        if (home.HandOverSent) return;
        home.HandOverSent = true;
        var self = Self;
        _ = system.Run(async () =>
        {
            Exception? failure = null;
            try
            {
                await membership.HandOverAsync(row.Key, row.Epoch, CancellationToken.None);
            }
            catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
            {
                failure = e;
            }

            self.Tell(new HandOverEnded(shard, failure), ActorRefs.NoSender);
        });
    }

    private void OnHandOverEnded(HandOverEnded ended)
    {
        var home = HomeOf(ended.Shard);
        home.HandOverSent = false;
        if (ended.Failure is null) Settle(ended.Shard, home);
        else log.Warning("Shard {0} of {1} is not handed over yet: {2}", ended.Shard, settings.Type, ended.Failure.Message);
    }

    private void OnShardStopped(Terminated notice)
    {
        foreach (var (shard, home) in homes)
        {
            if (home.Actor is null || !home.Actor.Equals(notice.ActorRef)) continue;
            home.Actor = null;
            home.Stopping = home.HandingOver = false;
            running.TryRemove(shard, out _);
            Settle(shard, home);
            return;
        }
    }

    private void OnOwnershipLost(OwnershipLost lost)
    {
        if (lost.Shard.Type != settings.Type || !homes.TryGetValue(lost.Shard.Shard, out var home)) return;
        membership.Refresh();
        if (home.Actor is not { } actor || home.Stopping) return;
        log.Warning("The store refused a write of shard {0} of {1}: its entities stop here", lost.Shard.Shard, settings.Type);
        home.Stopping = true;
        Context.Stop(actor);
    }

    private void OnTick()
    {
        foreach (var (shard, home) in homes)
        {
            Expire(home);
            if (home.Waiting.Count > 0 || home.Actor is null || SelfNow is null) Settle(shard, home);
        }
    }

    private void Expire(Home home)
    {
        var expired = 0;
        while (home.Waiting.TryPeek(out var first) && system.Clock.GetElapsedTime(first.Since) > bufferTime)
        {
            home.Waiting.Dequeue();
            waiting--;
            expired++;
            Lose(first.Message);
        }

        if (expired > 0)
            log.Warning("{0} messages to {1} waited {2} for an owner and are dead letters now", expired, settings.Type, bufferTime);
    }

    private void RegisterShard(string shard)
    {
        if (settings.Entities is null || !registering.Add(shard)) return;
        var self = Self;
        _ = system.Run(async () =>
        {
            try
            {
                await membership.RegisterAsync(settings.Type, [shard], CancellationToken.None);
            }
            catch (Exception e) when (e is StoreUnavailableException or StoreRefusedException or OperationCanceledException)
            {
                log.Warning("Shard {0} of {1} is not registered yet: {2}", shard, settings.Type, e.Message);
            }

            self.Tell(new RegisterEnded(shard), ActorRefs.NoSender);
        });
    }

    private void Lose(RoutedMessage message) =>
        system.DeadLetters.Tell(
            new DeadLetter(message.Message, message.Sender ?? system.DeadLetters, selfRef), ActorRefs.NoSender);

    /// <summary>This incarnation, while it may act and the view is its own; else null.</summary>
    private NodeId? SelfNow =>
        view.Self is { } row && membership.MayAct && membership.Self == row.Node.Id ? row.Node.Id : null;

    private Home HomeOf(string shard)
    {
        if (!homes.TryGetValue(shard, out var home)) homes[shard] = home = new Home();
        return home;
    }
}
