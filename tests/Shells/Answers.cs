using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Vm.VmCommand;

namespace Orchestrator.Tests.Shells;

/// <summary>Every command is answered, and what is no new fact writes nothing.</summary>
public sealed class Answers
{
    [Fact]
    public void The_same_job_asked_twice_is_one_command()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        var first = Assert.IsType<Reply.Accepted>(life.Ask(vm, Web.Start));
        var again = Assert.IsType<Reply.AlreadyDone>(life.Ask(vm, Web.Start));
        Assert.Equal((first.View, first.Version), (again.View, again.Version));
        Assert.Equal(2, life.Writes);
        Assert.Single(life.Effects);
    }

    [Fact]
    public void The_same_job_is_one_command_also_when_its_first_answer_died_with_the_process()
    {
        var world = new World();
        Web.After(world, Web.Create, Web.Start);
        world.Crash();
        var life = Web.Begin(world);
        Assert.Equal(2, Assert.IsType<Reply.AlreadyDone>(life.Ask(life.Wake(), Web.Start)).Version);
        Assert.Equal(0, life.Writes);
    }

    [Fact]
    public void A_look_shows_the_view_and_changes_nothing()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create, Web.Start);
        var told = (Reply.Accepted)life.Replies.Last();
        var effects = life.Effects.Count();
        Assert.Equal(new Reply.AlreadyDone(told.View, 2), life.Ask(vm, new Look()));
        Assert.Equal((2, effects), (world.Database.Journal.Length, life.Effects.Count()));
    }

    [Fact]
    public void A_look_at_what_is_not_or_no_longer_there_finds_nothing()
    {
        var world = new World();
        var life = Web.Begin(world);
        Assert.Equal(new Reply.Refused(Fault.NotFound, null), life.Ask(life.Wake(), new Look()));
        Assert.Empty(world.Facts);

        var (gone, vm) = Web.After(new World(), Web.Create, Web.Remove);
        Assert.Equal(new Reply.Refused(Fault.NotFound, null), gone.Ask(vm, new Look()));
    }

    [Fact]
    public void A_refusal_names_its_fault_and_writes_nothing()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        Assert.Equal(new Reply.Refused(Fault.VmNotRunning, null), life.Ask(vm, Web.Stop));
        var nameless = new Update(Web.By(9), new VmPatch { Name = "" });
        Assert.Equal(new Reply.Refused(Fault.MissingValue, "name"), life.Ask(vm, nameless));
        Assert.Equal(1, life.Writes);
        Assert.Empty(life.Effects);
    }

    /// <summary>A guest that has no right to run is ended, although the VM's own state does not change.</summary>
    [Fact]
    public void An_order_that_nobody_has_to_remember_goes_out_without_a_fact()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        Assert.IsType<Reply.AlreadyDone>(life.Ask(vm, Web.Up with { Lease = new Lease(9) }));
        Assert.Equal([new VmEffect.Destroy(Web.Host, new Lease(9))], life.Effects);
        Assert.Equal(1, life.Writes);
    }
}
