using System.Diagnostics.CodeAnalysis;

namespace Akka.Cluster.Sharding;

/// <summary>Reads off a message to which entity it goes, and in which shard that entity lives. Every node must answer
/// alike: the answer may depend on the message and on nothing else.</summary>
public interface IMessageExtractor
{
    /// <summary>Null when the message is for no entity.</summary>
    string? EntityId(object message);

    /// <summary>What the entity is to receive: the message itself, or what is in its envelope.</summary>
    object? EntityMessage(object message);

    string? ShardId(object message);

    string ShardId(string entityId, object? messageHint = null);
}

/// <summary>A message with the id of its entity, for messages that do not carry it.</summary>
public sealed class ShardingEnvelope(string entityId, object message)
{
    public string EntityId { get; } = entityId;

    public object Message { get; } = message;
}

/// <summary>An entity's request to its shard to be stopped by this message. Messages that come meanwhile wait and wake
/// it again. The shard does not wake it any more when it starts elsewhere.</summary>
public sealed class Passivate(object stopMessage)
{
    public object StopMessage { get; } = stopMessage;
}

public sealed class ShardRegion
{
    private ShardRegion() { }

    /// <summary>Wakes an entity without a message to it; answered with <see cref="StartEntityAck"/>.</summary>
    [SuppressMessage("Design", "CA1051", Justification = "The field is Akka.NET's.")]
    public sealed class StartEntity(string entityId)
    {
        public readonly string EntityId = entityId;
    }

    internal sealed class StartEntityAck(string entityId, string shardId)
    {
        public string EntityId { get; } = entityId;

        public string ShardId { get; } = shardId;
    }
}
