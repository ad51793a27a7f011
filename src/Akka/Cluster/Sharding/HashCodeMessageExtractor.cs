using System.Globalization;

namespace Akka.Cluster.Sharding;

/// <summary>Spreads entities over a fixed number of shards by a hash that is the same in every process and for ever.
/// The number of shards may never change once a cluster has data: about ten per node is a good number.</summary>
public abstract class HashCodeMessageExtractor(int maxNumberOfShards) : IMessageExtractor
{
    public int MaxNumberOfShards { get; } = maxNumberOfShards;

    public static HashCodeMessageExtractor Create(
        int maxNumberOfShards, Func<object, string?> entityIdExtractor, Func<object, object>? messageExtractor = null) =>
        new Given(maxNumberOfShards, entityIdExtractor, messageExtractor);

    public abstract string? EntityId(object message);

    public virtual object? EntityMessage(object message) => message;

    public virtual string? ShardId(object message) => EntityId(message) is { } id ? ShardId(id, message) : null;

    public virtual string ShardId(string entityId, object? messageHint = null) =>
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

    private sealed class Given(int shards, Func<object, string?> id, Func<object, object>? message)
        : HashCodeMessageExtractor(shards)
    {
        public override string? EntityId(object m) => id(m);

        public override object? EntityMessage(object m) => message is null ? m : message(m);
    }
}
