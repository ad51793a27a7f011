using Akka.Actor;
using Akka.Configuration;

namespace Orchestrator.Engine;

/// <summary>
/// A bounded number of turns for what many actors of one node want to do at the same time. Who finds none free is sent
/// <see cref="TurnGranted"/> later, in the order of asking, and gives back what it does not need. An actor that ends must
/// call <see cref="Leave"/>, or its turns are lost.
/// </summary>
internal sealed class Turns(int limit)
{
    private readonly Lock gate = new();
    private readonly Dictionary<IActorRef, int> held = [];
    private readonly LinkedList<IActorRef> waiting = new();
    private int free = limit;

    public bool TryTake(IActorRef taker)
    {
        lock (gate)
        {
            if (free > 0)
            {
                free--;
                Hold(taker);
                return true;
            }

            if (!waiting.Contains(taker)) waiting.AddLast(taker);
            return false;
        }
    }

    public void Give(IActorRef holder)
    {
        lock (gate)
        {
            if (!held.TryGetValue(holder, out var count)) return;
            if (count == 1) held.Remove(holder);
            else held[holder] = count - 1;
            PassOn();
        }
    }

    public void Leave(IActorRef taker)
    {
        lock (gate)
        {
            waiting.Remove(taker);
            if (!held.Remove(taker, out var count)) return;
            while (count-- > 0) PassOn();
        }
    }

    private void PassOn()
    {
        if (waiting.First is not { Value: var next })
        {
            free++;
            return;
        }

        waiting.RemoveFirst();
        Hold(next);
        next.Tell(TurnGranted.Instance, ActorRefs.NoSender);
    }

    private void Hold(IActorRef taker) => held[taker] = held.GetValueOrDefault(taker) + 1;
}

/// <summary>The receiver holds a turn now that it asked for in vain before.</summary>
internal sealed class TurnGranted
{
    public static readonly TurnGranted Instance = new();
}

/// <summary>The turns that the shards of one node share.</summary>
internal sealed class ShardTurns : IExtension
{
    private ShardTurns(Config config)
    {
        Wake = new Turns(Math.Max(1, config.GetInt("orchestrator.sharding.wake-at-once", 16)));
        HandOver = new Turns(Math.Max(1, config.GetInt("orchestrator.sharding.hand-over-at-once", 4)));
    }

    /// <summary>For entities that are woken without being asked: whoever is asked for comes first.</summary>
    public Turns Wake { get; }

    /// <summary>For shards that are stopped here to go on elsewhere: few at a time, so that each is away for a moment.</summary>
    public Turns HandOver { get; }

    public static ShardTurns Of(ActorSystem system) => new Id().Get(system);

    private sealed class Id : ExtensionIdProvider<ShardTurns>
    {
        public override ShardTurns CreateExtension(ExtendedActorSystem system) => new(system.Settings.Config);
    }
}
