using Akka.Actor;
using Akka.TestKit.Xunit2;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Akka.Engine;

public sealed class OwnershipSpec
{
    /// <summary>An actor that was started under a shard writes under its epoch; when the epoch is old, it stops and
    /// the loss is made known.</summary>
    [Fact]
    public async Task An_owned_actor_writes_under_its_epoch_and_an_old_epoch_stops_it()
    {
        var shard = new ShardKey("notes", "1");
        var database = new MemoryEngineDatabase(TimeProvider.System);
        var store = new MemoryEngineStore(database);
        await store.PrepareAsync("cluster", CancellationToken.None);
        var self = new NodeDescription(new NodeId(Guid.NewGuid()), "node1", 1, ["engine"], "1");
        await store.JoinAsync(self, TimeSpan.FromMinutes(1), CancellationToken.None);
        var view = await store.RegisterShardsAsync("notes", [shard.Shard], CancellationToken.None);
        var epoch = view.Shards[shard].Epoch;
        using var kit = new TestKit(Journal.NewSystem(store));
        kit.Sys.EventStream.Subscribe(kit.TestActor, typeof(OwnershipLost));

        var good = Start("good", epoch);
        good.Tell(new Add("x"));
        kit.ExpectMsg("added x 1");
        Assert.Equal("good", Assert.Single(await store.RememberedAsync(shard, CancellationToken.None)));

        var late = kit.Watch(Start("late", epoch - 1));
        late.Tell(new Add("x"));
        kit.ExpectMsg<OwnershipLost>(lost => lost.Shard == shard);
        kit.ExpectMsg("not persisted: WriteRefusedException");
        kit.FishForMessage<Terminated>(_ => true);

        IActorRef Start(string entity, long under) => ((LocalSystem)kit.Sys).UserGuardian.Cell.ActorOf(
            Props.Create(() => new Notes(entity, kit.TestActor)), entity, new ShardOwnership(shard, under, entity));
    }
}
