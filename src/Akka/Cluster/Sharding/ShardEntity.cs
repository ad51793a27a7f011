using Akka.Actor;
using Orchestrator.Engine.Remote;

namespace Akka.Cluster.Sharding;

/// <summary>What a shard knows of one of its entities in memory.</summary>
internal sealed class ShardEntity(string id, IActorRef actor, long now)
{
    public string Id { get; } = id;

    public IActorRef Actor { get; } = actor;

    /// <summary>On the system's clock; who was never sent one counts from its start.</summary>
    public long LastMessage { get; set; } = now;

    public bool Stopping { get; set; }

    /// <summary>It owes nothing and runs nothing: it needs not be woken with the shard any more.</summary>
    public bool Forget { get; set; }

    /// <summary>Holds one of the node's turns until it has read its past.</summary>
    public bool IsWaking { get; set; }

    /// <summary>Memory was short, and nobody has asked for it since.</summary>
    public bool IsAskedToSleep { get; set; }

    /// <summary>Came while it was stopping; wakes it again.</summary>
    public Queue<RoutedMessage> Waiting { get; } = new();
}
