using System.Globalization;
using Akka.Cluster.Sharding;

namespace Orchestrator.Actors;

/// <summary>
/// Which shard an entity belongs to. The hash is part of the stored data: nodes of two versions must agree on it while
/// they run together, and the table of shards says who remembers whom. It is ours and not Akka.NET's, because clusters
/// have data by it; it may never change, and neither may the number of shards of a cluster.
/// </summary>
public sealed class EntityShards(int shards) : HashCodeMessageExtractor(shards)
{
    public override string? EntityId(object message) => (message as ShardingEnvelope)?.EntityId;

    public override object? EntityMessage(object message) =>
        message is ShardingEnvelope envelope ? envelope.Message : message;

    public override string? ShardId(object message) => EntityId(message) is { } id ? ShardId(id, message) : null;

    public override string ShardId(string entityId, object? messageHint = null) =>
        (Hash(entityId) % (uint)MaxNumberOfShards).ToString(CultureInfo.InvariantCulture);

    /// <summary>FNV-1a over UTF-16 units, with a final mix so that similar ids do not sit side by side.</summary>
    private static uint Hash(string text)
    {
        var hash = 2166136261u;
        foreach (var unit in text) hash = (hash ^ unit) * 16777619u;
        hash ^= hash >> 16;
        hash *= 0x7feb352du;
        hash ^= hash >> 15;
        return hash;
    }
}
