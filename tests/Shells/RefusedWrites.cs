using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Shells;

/// <summary>A shell whose fact the journal refuses says nothing and does nothing; its memory is not trusted.</summary>
public sealed class RefusedWrites
{
    private static readonly ShardKey _shard = new("vm", "1");

    /// <summary>Its node's lease ran out and another node has the shard: the store's fence refuses the write.</summary>
    [Fact]
    public async Task A_shell_whose_shard_went_to_another_node_gives_no_success_and_stops()
    {
        var world = new World();
        var first = new MemoryEngineStore(world.Database);
        var lease = TimeSpan.FromSeconds(3);
        await first.JoinAsync(Node(1), lease, CancellationToken.None);
        var view = await first.RegisterShardsAsync("vm", [_shard.Shard], CancellationToken.None);
        var life = world.Begin(VmActor.Rules, Web.Id, first);
        life.Store.Fence = new WriteFence(_shard, view.Shards[_shard].Epoch);
        var vm = life.Wake();
        Assert.IsType<Reply.Accepted>(life.Ask(vm, Web.Create));

        life.Advance(lease + TimeSpan.FromSeconds(1));
        var second = new MemoryEngineStore(world.Database);
        view = await second.JoinAsync(Node(2), lease, CancellationToken.None);
        Assert.Equal(Node(2).Id, view.Shards[_shard].Owner);

        StopsWithoutAWord(world, life, vm, WriteOutcome.NotOwner);

        var after = world.Begin(VmActor.Rules, Web.Id, second);
        after.Store.Fence = new WriteFence(_shard, view.Shards[_shard].Epoch);
        Assert.Equal(2, Assert.IsType<Reply.Accepted>(after.Ask(after.Wake(), Web.Start)).Version);
    }

    [Fact]
    public void A_shell_whose_entity_has_a_second_writer_gives_no_success_and_stops()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        var other = Web.Begin(world);
        var update = new VmCommand.Update(Web.By(9), new VmPatch { Comment = "by the rival" });
        Assert.IsType<Reply.Accepted>(other.Ask(other.Wake(), update));

        StopsWithoutAWord(world, life, vm, WriteOutcome.Conflict);

        // The next incarnation knows what the rival wrote.
        Assert.Equal(2, Assert.IsType<Reply.AlreadyDone>(life.Ask(life.Wake(), new Look())).Version);
    }

    [Theory]
    [InlineData(WriteOutcome.NotOwner)]
    [InlineData(WriteOutcome.Conflict)]
    public void What_waits_behind_a_refused_write_is_not_decided_by_the_shell_that_stops(WriteOutcome outcome)
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        life.Store.Hold();
        life.Store.NextAnswer = outcome;
        var from = life.Story.Count;
        life.Tell(vm, Web.Start);
        life.Tell(vm, Web.Offer);
        life.Tell(vm, new Look());
        life.Run();
        life.Store.Release();
        life.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(life.Story.Skip(from).OfType<Step.Decided>());
        Assert.Empty(life.Story.Skip(from).OfType<Step.Replied>());
        Assert.Single(life.Story.Skip(from).OfType<Step.Stopped>());
    }

    /// <summary>The store cannot hold a row, so the fact is not true; all else about the entity still is.</summary>
    [Fact]
    public void A_shell_whose_row_the_store_cannot_hold_stays_as_it_was()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        life.Store.NextAnswer = WriteOutcome.Rejected;
        Assert.IsNotType<Reply.Accepted>(life.Ask(vm, Web.Start));
        Assert.Empty(life.Effects);
        Assert.Single(world.Facts);
        Assert.Equal(2, Assert.IsType<Reply.Accepted>(life.Ask(vm, Web.Start)).Version);
    }

    private static void StopsWithoutAWord(
        World world, Life<VmState, VmCommand, VmEvent, VmEffect> life, Akka.Actor.IActorRef vm, WriteOutcome outcome)
    {
        ImmutableArray<string> facts = [.. world.Facts];
        var from = life.Story.Count;
        Assert.Null(life.Ask(vm, Web.Start));
        Assert.Equal(
            ["decides Start", "stands at Down", "writes vm.start-requested.1", $"journal: {outcome}"],
            life.Since(from).Take(4));
        Assert.Equal(
            ["lays its hands down", "stopped"], life.Since(from + 4).Order(StringComparer.Ordinal));
        Assert.Equal(facts, world.Facts);
    }

    private static NodeDescription Node(int number) => new(
        new NodeId(new Guid($"55555555-0000-0000-0000-{number:d12}")), $"node{number}", 8550, ["engine"], "1")
    {
        ShardTypes = ["vm"],
    };
}
