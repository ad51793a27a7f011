using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>Under which right an actor lives: its shard, the epoch of the owner, and its entity id.</summary>
public sealed record ShardOwnership(ShardKey Shard, long Epoch, string EntityId);

/// <summary>Published on the event stream when the store refused a write because the shard is owned elsewhere.</summary>
public sealed record OwnershipLost(ShardKey Shard);

public static class Ownership
{
    /// <summary>The ownership that this actor or its nearest ancestor was started with; null outside sharding.</summary>
    public static ShardOwnership? Of(IActorContext context) => ((ActorCell)context).Ownership;
}
