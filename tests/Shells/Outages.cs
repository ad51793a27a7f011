using Orchestrator.Actors;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Shells;

/// <summary>The database goes away: commands wait, in their order, and none that was accepted is lost.</summary>
public sealed class Outages
{
    [Fact]
    public void Commands_wait_for_the_database_and_are_answered_in_their_order_when_it_is_back()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        var from = life.Story.Count;
        world.Database.IsDown = true;
        life.Tell(vm, Web.Start);
        life.Tell(vm, Web.Offer);
        life.Tell(vm, Web.Up);
        life.Advance(TimeSpan.FromSeconds(30));
        Assert.Empty(life.Story.Skip(from).OfType<Step.Replied>());
        Assert.Empty(life.Effects);

        world.Database.Restart();
        world.Database.IsDown = false;
        life.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(
            ["replies accepted 2", "replies accepted 3", "replies accepted 5"],
            life.Story.Skip(from).OfType<Step.Replied>().Select(r => r.ToString()));
        Assert.Equal(5, world.Database.Journal.Length);
    }

    [Fact]
    public void A_write_whose_answers_get_lost_is_one_fact_and_one_success()
    {
        var world = new World();
        var store = new MemoryEngineStore(world.Database);
        var life = world.Begin(Orchestrator.Actors.Vm.VmActor.Rules, Web.Id, store);
        var vm = life.Wake();
        life.Ask(vm, Web.Create);
        store.LostAnswers = 3;
        life.Tell(vm, Web.Start);
        life.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["replies accepted 1", "replies accepted 2"],
            life.Story.OfType<Step.Replied>().Select(r => r.ToString()));
        Assert.Equal(2, world.Database.Journal.Length);
        Assert.Single(life.Effects);
    }

    [Fact]
    public void When_patience_ends_the_caller_has_no_success_and_the_entity_begins_anew_from_its_journal()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        var from = life.Story.Count;
        world.Database.IsDown = true;
        life.Tell(vm, Web.Start);
        life.Advance(TimeSpan.FromSeconds(90));
        Assert.Empty(life.Story.Skip(from).OfType<Step.Replied>());
        Assert.Single(life.Story.Skip(from).OfType<Step.Stopped>());
        Assert.Empty(life.Effects);

        world.Database.IsDown = false;
        var again = life.Wake();
        Assert.Equal(1, Assert.IsType<Reply.AlreadyDone>(life.Ask(again, new Look())).Version);
        Assert.IsType<Reply.Accepted>(life.Ask(again, Web.Start));
    }

    [Fact]
    public void An_entity_that_wakes_in_an_outage_answers_when_it_has_read_its_past()
    {
        var world = new World();
        Web.After(world, Web.Create, Web.Start);
        world.Crash();
        world.Database.IsDown = true;
        var life = Web.Begin(world);
        life.Tell(life.Wake(), new Look());
        life.Advance(TimeSpan.FromSeconds(20));
        Assert.Empty(life.Story);

        world.Database.IsDown = false;
        life.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, Assert.IsType<Reply.AlreadyDone>(Assert.Single(life.Replies)).Version);
        Assert.Single(life.Effects);
    }
}
