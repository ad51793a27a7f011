using Akka.Actor;
using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Shells;

/// <summary>A copy of the state makes recovery short and changes nothing else: the events stay the truth.</summary>
public sealed class Copies
{
    private const int Every = 4;

    [Fact]
    public void An_entity_recovers_from_the_newest_copy_and_the_events_after_it()
    {
        var (world, known) = Lived(cycles: 5);
        var copied = Copy(world).SequenceNr;
        Assert.InRange(world.Database.Journal.Length - copied, 0, Every);

        var evolved = 0;
        var rules = VmActor.Rules with
        {
            Evolve = (vm, fact) =>
            {
                evolved++;
                return VmDecider.Evolve(vm, fact);
            },
        };
        var life = world.Begin(rules, Web.Id);
        Assert.Equal(known, Seen(life, life.Wake()));
        Assert.Equal(world.Database.Journal.Length - copied, evolved);
    }

    [Fact]
    public void A_copy_that_another_build_made_is_ignored_and_all_events_are_replayed()
    {
        var (world, known) = Lived(cycles: 5);
        Put(world, Copy(world) with { Manifest = $"copy/{Guid.Empty:N}/Orchestrator.Actors.Vm.VmState+Down" });

        var life = Web.Begin(world);
        Assert.Equal(known, Seen(life, life.Wake()));
    }

    [Fact]
    public void A_copy_that_was_spoilt_is_ignored_and_all_events_are_replayed()
    {
        var (world, known) = Lived(cycles: 5);
        Put(world, Copy(world) with { Payload = "[1]"u8.ToArray() });

        var life = Web.Begin(world);
        Assert.Equal(known, Seen(life, life.Wake()));
    }

    /// <summary>A VM that was started and stopped again and again, and what it says of itself at the end.</summary>
    private static (World World, Reply Known) Lived(int cycles)
    {
        var world = new World();
        var life = Web.Begin(world);
        life.CopyEvery = Every;
        var vm = life.Wake();
        Accept(Web.Create);
        var job = 10;
        var lease = Lease.None;
        for (var cycle = 0; cycle < cycles; cycle++)
        {
            Accept(new VmCommand.Start(Web.By(job++)));
            Accept(Web.Offer with { AskedAt = lease });
            lease = lease.Next;
            Accept(Web.Up with { Lease = lease });
            Accept(new VmCommand.Stop(Web.By(job++)));
            Accept(Web.Ended with { Lease = lease });
        }

        var known = Seen(life, vm);
        world.Crash();
        return (world, known);

        void Accept(VmCommand command) => Assert.IsType<Reply.Accepted>(life.Ask(vm, command));
    }

    private static SnapshotRow Copy(World world)
    {
        var newest = new MemoryEngineStore(world.Database)
            .LoadSnapshotAsync(Web.Entity, long.MaxValue, CancellationToken.None).Result;
        Assert.NotNull(newest);
        Assert.Null(new MemoryEngineStore(world.Database)
            .LoadSnapshotAsync(Web.Entity, newest.SequenceNr - 1, CancellationToken.None).Result);
        return newest;
    }

    private static void Put(World world, SnapshotRow copy) =>
        new MemoryEngineStore(world.Database).SaveSnapshotAsync(copy, CancellationToken.None).Wait();

    private static Reply Seen(Life<VmState, VmCommand, VmEvent, VmEffect> life, IActorRef vm) =>
        Assert.IsType<Reply.AlreadyDone>(life.Ask(vm, new Look()));
}
