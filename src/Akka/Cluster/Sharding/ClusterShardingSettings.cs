using System.Diagnostics.CodeAnalysis;
using Akka.Actor;

namespace Akka.Cluster.Sharding;

/// <summary>How the entities of one type are kept. Entities that asked for it with what they persisted are woken with
/// their shard in any case; <see cref="RememberEntities"/> additionally keeps the idle ones awake.</summary>
[SuppressMessage("Design", "CA1051", Justification = "The fields are Akka.NET's.")]
public sealed class ClusterShardingSettings
{
    private ClusterShardingSettings(string? role, bool rememberEntities, TimeSpan passivateIdleEntityAfter)
    {
        Role = role;
        RememberEntities = rememberEntities;
        PassivateIdleEntityAfter = passivateIdleEntityAfter;
    }

    /// <summary>Only members with this role carry the shards; null: all that start the region.</summary>
    public readonly string? Role;

    public readonly bool RememberEntities;

    /// <summary>Zero: never.</summary>
    public readonly TimeSpan PassivateIdleEntityAfter;

    internal bool ShouldPassivateIdleEntities => PassivateIdleEntityAfter > TimeSpan.Zero && !RememberEntities;

    public static ClusterShardingSettings Create(ActorSystem system)
    {
        var config = system.Settings.Config;
        var idle = config.GetString("akka.cluster.sharding.passivate-idle-entity-after", "120s");
        return new ClusterShardingSettings(
            config.GetString("akka.cluster.sharding.role", "") is { Length: > 0 } role ? role : null,
            config.GetBoolean("akka.cluster.sharding.remember-entities"),
            idle is "off" ? TimeSpan.Zero
                : config.GetTimeSpan("akka.cluster.sharding.passivate-idle-entity-after", TimeSpan.FromSeconds(120)));
    }

    public ClusterShardingSettings WithRole(string? role) => new(role, RememberEntities, PassivateIdleEntityAfter);

    public ClusterShardingSettings WithRememberEntities(bool rememberEntities) =>
        new(Role, rememberEntities, PassivateIdleEntityAfter);

    public ClusterShardingSettings WithPassivateIdleAfter(TimeSpan duration) => new(Role, RememberEntities, duration);
}
