using Akka.Actor;
using Akka.Event;

namespace Orchestrator.Engine;

/// <summary>
/// Keeps the number of entities in one node's memory bounded: when seven eighths of the limit are reached, every shard is
/// told to send its share of the longest idle ones to sleep, until three quarters are left. Those who owe something
/// stay, so the limit can be exceeded by debts alone, and by what comes in while others go.
/// </summary>
internal sealed class Residents : IExtension
{
    private readonly LocalSystem system;
    private readonly ILoggingAdapter log;
    private readonly Lock gate = new();
    private readonly List<IActorRef> shards = [];
    private readonly int limit;
    private readonly int trigger;
    private readonly int wanted;
    private int count;
    private long trimmedAt;
    private bool warned;

    private Residents(LocalSystem system)
    {
        this.system = system;
        log = Logging.GetLogger(system, "Sharding");
        limit = system.Settings.Config.GetInt("orchestrator.sharding.resident-limit", 20_000);
        trigger = limit - (limit / 8);
        wanted = limit - (limit / 4);
    }

    /// <summary>Entities in memory on this node now, those that are just stopping included.</summary>
    public int Count => Volatile.Read(ref count);

    public static Residents Of(ActorSystem system) => new Id().Get(system);

    public void Enter(IActorRef shard)
    {
        lock (gate) shards.Add(shard);
    }

    /// <param name="left">Entities that end with the shard.</param>
    public void Leave(IActorRef shard, int left)
    {
        lock (gate) shards.Remove(shard);
        Interlocked.Add(ref count, -left);
    }

    public void Came()
    {
        var now = Interlocked.Increment(ref count);
        if (limit > 0 && now > trigger) Trim(now);
    }

    public void Went() => Interlocked.Decrement(ref count);

    private void Trim(int now)
    {
        IActorRef[] all;
        lock (gate)
        {
            // What was told a moment ago takes its time; telling it again would send too many to sleep.
            if (trimmedAt != 0 && system.Clock.GetElapsedTime(trimmedAt) < TimeSpan.FromMilliseconds(10)) return;
            trimmedAt = Math.Max(1, system.Clock.GetTimestamp());
            all = [.. shards];
            if (now > limit && !warned)
            {
                warned = true;
                log.Warning("{0} entities are in memory, the limit is {1}: more owe something or come in than can go",
                    now, limit);
            }
            else if (now <= limit && warned)
            {
                warned = false;
                log.Info("{0} entities are in memory, within the limit of {1} again", now, limit);
            }
        }

        var trim = new TrimResidents((double)(now - wanted) / now);
        foreach (var shard in all) shard.Tell(trim, ActorRefs.NoSender);
    }

    private sealed class Id : ExtensionIdProvider<Residents>
    {
        public override Residents CreateExtension(ExtendedActorSystem system) => new((LocalSystem)system);
    }
}

/// <summary>To a shard: this share of its entities, the longest idle first, is to leave memory if it owes nothing.</summary>
internal sealed record TrimResidents(double Share);
