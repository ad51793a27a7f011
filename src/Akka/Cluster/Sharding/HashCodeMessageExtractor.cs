using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Akka.Util;

namespace Akka.Cluster.Sharding;

/// <summary>Spreads entities over a fixed number of shards by the absolute value of <see cref="MurmurHash.StringHash"/>,
/// which is the same in every process and for ever. The number of shards may never change once a cluster has data:
/// about ten per node is a good number.</summary>
[SuppressMessage("Design", "CA1051", Justification = "The field is Akka.NET's.")]
public abstract class HashCodeMessageExtractor(int maxNumberOfShards) : IMessageExtractor
{
    public readonly int MaxNumberOfShards = maxNumberOfShards;

    public static HashCodeMessageExtractor Create(
        int maxNumberOfShards, Func<object, string?> entityIdExtractor, Func<object, object>? messageExtractor = null) =>
        new Given(maxNumberOfShards, entityIdExtractor, messageExtractor);

    public abstract string? EntityId(object message);

    public virtual object? EntityMessage(object message) => message;

    public virtual string? ShardId(object message) => message is ShardRegion.StartEntity start
        ? ShardId(start.EntityId, message)
        : EntityId(message) is { } id ? ShardId(id, message) : null;

    public virtual string ShardId(string entityId, object? messageHint = null) =>
        (Math.Abs((long)MurmurHash.StringHash(entityId)) % MaxNumberOfShards).ToString(CultureInfo.InvariantCulture);

    private sealed class Given(int shards, Func<object, string?> id, Func<object, object>? message)
        : HashCodeMessageExtractor(shards)
    {
        public override string? EntityId(object m) => id(m);

        public override object? EntityMessage(object m) => message is null ? m : message(m);
    }
}
