using Akka.Actor;

namespace Akka.Cluster.Sharding;

/// <summary>What a region works by; without <see cref="Entities"/> it is a proxy.</summary>
internal sealed record RegionSettings(
    string Type, IMessageExtractor Extractor, Func<string, Props>? Entities, ClusterShardingSettings Sharding,
    object StopMessage);
