using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Orchestrator.Engine;
using Orchestrator.Engine.Remote;

namespace Akka.Cluster.Sharding;

/// <summary>
/// One shard that this node owns under one epoch, and the parent of its entities. It wakes those that the store
/// remembers, a few at a time on the whole node, so that those who are asked for come first; passivates the idle; and
/// ends when all are stopped for a hand-over.
/// </summary>
internal sealed class ShardActor : ReceiveActor, IWithTimers, IPassesOn
{
    private static readonly TimeSpan RestartPauseMin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RestartPauseMax = TimeSpan.FromSeconds(30);

    private readonly RegionSettings settings;
    private readonly ShardKey key;
    private readonly long epoch;
    private readonly IEngineStore store;
    private readonly LocalSystem system;
    private readonly ILoggingAdapter log;
    private readonly Dictionary<string, ShardEntity> entities = [];
    private readonly Dictionary<IActorRef, ShardEntity> byRef = [];
    private readonly Dictionary<string, TimeSpan> pauses = [];
    private readonly Queue<string> asleep = new();
    private readonly Turns wakeTurns;
    private readonly Residents residents;
    private bool draining;

    /// <summary>Stops all entities after their present work, then the shard.</summary>
    public sealed class HandOver
    {
        public static readonly HandOver Instance = new();
    }

    private sealed record Remembered(ImmutableArray<string> Ids);

    private sealed record IdleRemembered(ImmutableArray<string> Ids);

    private sealed record LeaveMemory(ImmutableArray<string> Ids);

    private sealed record Unread(Exception Cause);

    private sealed record RestartDue(string EntityId);

    private sealed record RestartAnswer(string EntityId, bool IsRemembered);

    private sealed class ReadRemembered
    {
        public static readonly ReadRemembered Instance = new();
    }

    private sealed class LookForIdle
    {
        public static readonly LookForIdle Instance = new();
    }

    public ShardActor(RegionSettings settings, ShardKey key, long epoch, IEngineStore store)
    {
        this.settings = settings;
        this.key = key;
        this.epoch = epoch;
        this.store = store;
        system = (LocalSystem)Context.System;
        log = Context.GetLogger();
        wakeTurns = ShardTurns.Of(system).Wake;
        residents = Residents.Of(system);
        Receive<RoutedMessage>(Deliver);
        Receive<Passivate>(wish => OnPassivate(wish.StopMessage, forget: true));
        Receive<Doze>(wish => OnPassivate(wish.StopMessage, forget: false));
        Receive<ActorIdentity>(OnAwake);
        Receive<TurnGranted>(_ => WakeNext(holdsTurn: true));
        Receive<LeaveMemory>(OnLeaveMemory);
        Receive<TrimResidents>(trim => Trim(trim.Share));
        Receive<Terminated>(OnEntityStopped);
        Receive<HandOver>(_ => Drain());
        Receive<Remembered>(Wake);
        Receive<Unread>(OnUnread);
        Receive<ReadRemembered>(_ => AskStore(ids => new Remembered(ids), e => new Unread(e)));
        Receive<LookForIdle>(_ => OnLookForIdle());
        Receive<IdleRemembered>(PassivateIdle);
        Receive<RestartDue>(due => AskStore(
            ids => new RestartAnswer(due.EntityId, ids.Contains(due.EntityId)),
            _ => new RestartAnswer(due.EntityId, true)));
        Receive<RestartAnswer>(answer =>
        {
            if (answer.IsRemembered && !draining) EntityOf(answer.EntityId);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        residents.Enter(Self);
        Self.Tell(ReadRemembered.Instance, ActorRefs.NoSender);
        if (settings.Sharding.ShouldPassivateIdleEntities)
        {
            var every = settings.Sharding.PassivateIdleEntityAfter / 2;
            Timers.StartPeriodicTimer("idle", LookForIdle.Instance, every);
        }
    }

    protected override void PostStop()
    {
        wakeTurns.Leave(Self);
        residents.Leave(Self, entities.Count);
    }

    private void Deliver(RoutedMessage message)
    {
        if (draining)
        {
            Context.Parent.Tell(message, message.Sender!);
            return;
        }

        if (message.Message is IWakesNobody quiet && !entities.ContainsKey(message.Entity))
        {
            message.Sender?.Tell(quiet.WhenAsleep(epoch), Self);
            return;
        }

        var entity = EntityOf(message.Entity);
        entity.LastMessage = system.Clock.GetTimestamp();
        entity.IsAskedToSleep = false;
        if (entity.Stopping)
        {
            entity.Waiting.Enqueue(message);
            return;
        }

        if (message.Message is ShardRegion.StartEntity)
            message.Sender?.Tell(new ShardRegion.StartEntityAck(message.Entity, message.Shard), Self);
        else entity.Actor.Tell(message.Message, message.Sender!);
    }

    private ShardEntity EntityOf(string id)
    {
        if (entities.TryGetValue(id, out var known)) return known;
        var actor = ((ActorCell)Context).ActorOf(
            settings.Entities!(id), Uri.EscapeDataString(id), new ShardOwnership(key, epoch, id));
        Context.Watch(actor);
        var entity = new ShardEntity(id, actor, system.Clock.GetTimestamp());
        entities[id] = entity;
        byRef[actor] = entity;
        residents.Came();
        return entity;
    }

    private void OnPassivate(object stopMessage, bool forget)
    {
        if (!byRef.TryGetValue(Sender, out var entity) || entity.Stopping) return;
        entity.Forget = forget;
        Stop(entity, stopMessage);
    }

    private static void Stop(ShardEntity entity, object stopMessage)
    {
        entity.Stopping = true;
        entity.Actor.Tell(stopMessage, ActorRefs.NoSender);
    }

    private void OnEntityStopped(Terminated notice)
    {
        if (!byRef.Remove(notice.ActorRef, out var entity)) return;
        entities.Remove(entity.Id);
        residents.Went();
        if (entity.IsWaking) GoOnWaking(entity);
        if (draining)
        {
            while (entity.Waiting.TryDequeue(out var left)) Context.Parent.Tell(left, left.Sender!);
            EndWhenEmpty();
            return;
        }

        if (!entity.Stopping)
        {
            var pause = pauses.GetValueOrDefault(entity.Id, RestartPauseMin);
            pauses[entity.Id] = pause * 2 < RestartPauseMax ? pause * 2 : RestartPauseMax;
            Timers.StartSingleTimer("restart " + entity.Id, new RestartDue(entity.Id), pause);
            return;
        }

        pauses.Remove(entity.Id);
        if (entity.Waiting.Count == 0)
        {
            if (entity.Forget) Forget(entity.Id);
            return;
        }

        while (entity.Waiting.TryDequeue(out var next)) Deliver(next);
    }

    private void Forget(string id) => _ = system.Run(async () =>
    {
        try
        {
            await store.ForgetAsync(key, epoch, id, CancellationToken.None);
        }
        catch (StoreUnavailableException e)
        {
            // It is woken once more than needed, and passivates again.
            log.Warning("Entity {0} of {1} is not forgotten yet: {2}", id, key.Type, e.Message);
        }
    });

    private void Drain()
    {
        if (draining) return;
        draining = true;
        asleep.Clear();
        wakeTurns.Leave(Self);
        foreach (var entity in entities.Values)
            if (!entity.Stopping) Stop(entity, settings.StopMessage);
        EndWhenEmpty();
    }

    private void EndWhenEmpty()
    {
        if (entities.Count == 0) Context.Stop(Self);
    }

    private void Wake(Remembered remembered)
    {
        if (draining) return;
        foreach (var id in remembered.Ids)
            if (!entities.ContainsKey(id)) asleep.Enqueue(id);
        WakeNext(holdsTurn: false);
    }

    private void WakeNext(bool holdsTurn)
    {
        while (!draining && asleep.TryPeek(out var id))
        {
            if (entities.ContainsKey(id))
            {
                asleep.Dequeue();
                continue;
            }

            if (!holdsTurn && !wakeTurns.TryTake(Self)) return;
            holdsTurn = false;
            asleep.Dequeue();
            var entity = EntityOf(id);
            entity.IsWaking = true;

            // It answers when its mailbox opens: that is when it has read its past.
            entity.Actor.Tell(new Identify(id), Self);
        }

        if (holdsTurn) wakeTurns.Give(Self);
    }

    private void OnAwake(ActorIdentity awake)
    {
        if (awake.MessageId is string id && entities.TryGetValue(id, out var entity) && entity.IsWaking) GoOnWaking(entity);
    }

    private void GoOnWaking(ShardEntity entity)
    {
        entity.IsWaking = false;
        if (asleep.Count > 0) WakeNext(holdsTurn: true);
        else wakeTurns.Give(Self);
    }

    private void OnUnread(Unread failed)
    {
        log.Warning("Shard {0} of {1} cannot read yet whom to wake: {2}", key.Shard, key.Type, failed.Cause.Message);
        Timers.StartSingleTimer("read", ReadRemembered.Instance, TimeSpan.FromMilliseconds(200));
    }

    private void OnLookForIdle()
    {
        if (!draining && entities.Values.Any(IsIdle)) AskStore(ids => new IdleRemembered(ids), _ => new IdleRemembered([.. entities.Keys]));
    }

    /// <summary>Who is remembered still owes something, and works by timers that nobody here sees.</summary>
    private void PassivateIdle(IdleRemembered remembered)
    {
        if (draining) return;
        var owing = remembered.Ids.ToHashSet();
        foreach (var entity in entities.Values)
            if (IsIdle(entity) && !owing.Contains(entity.Id)) Stop(entity, PoisonPill.Instance);
    }

    /// <summary>Whoever passivates by himself is asked to do it now, and judges what he owes; the others are passivated
    /// as after a long time without messages.</summary>
    private void Trim(double share)
    {
        if (draining) return;
        var leaving = entities.Values.Where(e => e is { Stopping: false, IsWaking: false, IsAskedToSleep: false })
            .OrderBy(e => e.LastMessage).Take((int)Math.Ceiling(entities.Count * share)).ToArray();
        if (leaving.Length == 0) return;
        if (settings.Sharding.ShouldPassivateIdleEntities)
        {
            ImmutableArray<string> ids = [.. leaving.Select(e => e.Id)];
            AskStore(owing => new LeaveMemory(ids.RemoveRange(owing)), _ => new LeaveMemory([]));
            return;
        }

        foreach (var entity in leaving)
        {
            entity.IsAskedToSleep = true;
            entity.Actor.Tell(ReceiveTimeout.Instance, ActorRefs.NoSender);
        }
    }

    private void OnLeaveMemory(LeaveMemory leave)
    {
        if (draining) return;
        foreach (var id in leave.Ids)
            if (entities.TryGetValue(id, out var entity) && !entity.Stopping) Stop(entity, PoisonPill.Instance);
    }

    private bool IsIdle(ShardEntity entity) =>
        !entity.Stopping && system.Clock.GetElapsedTime(entity.LastMessage) > settings.Sharding.PassivateIdleEntityAfter;

    private void AskStore(Func<ImmutableArray<string>, object> answer, Func<Exception, object> failure)
    {
        var self = Self;
        _ = system.Run(async () =>
        {
            object reply;
            try
            {
                reply = answer(await store.RememberedAsync(key, CancellationToken.None));
            }
            catch (StoreUnavailableException e)
            {
                reply = failure(e);
            }

            self.Tell(reply, ActorRefs.NoSender);
        });
    }
}
