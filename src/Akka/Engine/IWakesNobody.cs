namespace Orchestrator.Engine;

/// <summary>A message to an entity that its shard answers itself while the entity is not in memory.</summary>
public interface IWakesNobody
{
    /// <summary>The answer in the sleeping entity's stead.</summary>
    /// <param name="epoch">Under which the shard is owned.</param>
    object WhenAsleep(long epoch);
}
