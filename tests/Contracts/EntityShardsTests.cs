using Orchestrator.Actors;

namespace Orchestrator.Tests.Contracts;

/// <summary>Two versions of the engine run together and must send an entity's messages to the same shard.</summary>
public sealed class EntityShardsTests
{
    [Theory]
    [InlineData("", 60, "12")]
    [InlineData("abc", 60, "45")]
    [InlineData("entity-2", 256, "179")]
    [InlineData("0f8fad5b-d9cb-469f-a165-70867728950e", 60, "41")]
    [InlineData("7c9e6679-7425-40de-944b-e07fc1f90ae7", 256, "139")]
    [InlineData("00000000-0000-0000-0000-000000000001", 60, "22")]
    public void The_shard_of_an_entity_never_changes(string id, int shards, string shard) =>
        Assert.Equal(shard, new EntityShards(shards).ShardId(id));
}
