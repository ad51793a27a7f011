using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Shells;

/// <summary>What is owed is said again until it is paid; only who owes nothing may leave memory.</summary>
public sealed class Debts
{
    [Fact]
    public void What_is_owed_is_said_again_at_every_tick_until_it_is_paid()
    {
        var (life, vm) = Web.After(new World(), Web.Create, Web.Start);
        life.Advance(3 * Tick);
        Assert.Equal(["FindHost", "FindHost", "FindHost", "FindHost"], Said(life));

        var from = life.Effects.Count();
        life.Ask(vm, Web.Offer);
        life.Advance(2 * Tick);
        Assert.Equal(["Launch", "Launch", "Launch"], Said(life).Skip(from));

        from = life.Effects.Count();
        life.Ask(vm, Web.Up);
        life.Advance(20 * Tick);
        Assert.Empty(life.Effects.Skip(from));
    }

    [Fact]
    public void A_debt_found_at_recovery_is_said_again_at_every_tick()
    {
        var world = new World();
        Web.After(world, Web.Create, Web.Start);
        world.Crash();
        var life = Web.Begin(world);
        life.Wake();
        life.Advance(2 * Tick);
        Assert.Equal(["FindHost", "FindHost", "FindHost"], Said(life));
    }

    [Fact]
    public void An_entity_that_owes_nothing_asks_to_leave_memory_after_its_time_without_messages()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        life.Advance(Passivate - TimeSpan.FromSeconds(1));
        life.Ask(vm, new Actors.Look());
        life.Advance(Passivate - TimeSpan.FromSeconds(1));
        Assert.Equal(0, Passivations(life));
        life.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, Passivations(life));
    }

    [Fact]
    public void An_entity_that_owes_something_stays_until_it_is_paid()
    {
        var (life, vm) = Web.After(new World(), Web.Create, Web.Start);
        life.Advance(10 * Passivate);
        Assert.Equal(0, Passivations(life));
        life.Ask(vm, Web.Offer);
        life.Advance(10 * Passivate);
        Assert.Equal(0, Passivations(life));

        life.Ask(vm, Web.Up);
        life.Advance(Passivate);
        Assert.Equal(1, Passivations(life));
    }

    [Fact]
    public void An_entity_that_begins_to_owe_no_longer_counts_as_idle()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        life.Advance(Passivate - TimeSpan.FromSeconds(1));
        life.Ask(vm, Web.Start);
        life.Advance(5 * Passivate);
        Assert.Equal(0, Passivations(life));
    }

    /// <summary>Ticks are messages; here none comes in time to keep the entity.</summary>
    [Fact]
    public void An_entity_that_owes_something_stays_also_where_passivation_comes_sooner_than_a_tick()
    {
        var world = new World();
        Web.After(world, Web.Create);
        world.Crash();
        var life = Web.Begin(world);
        life.Patience = Tick / 2;
        var vm = life.Wake();
        Assert.IsType<Actors.Reply.Accepted>(life.Ask(vm, Web.Start));
        life.Advance(10 * Tick);
        Assert.Equal(0, Passivations(life));
        life.Ask(vm, Web.Offer);
        life.Ask(vm, Web.Up);
        life.Advance(Tick / 2);
        Assert.Equal(1, Passivations(life));
    }

    [Fact]
    public void An_entity_woken_without_a_debt_leaves_memory_again()
    {
        var world = new World();
        Web.After(world, Web.Create);
        world.Crash();
        var life = Web.Begin(world);
        life.Wake();
        life.Advance(Passivate);
        Assert.Equal(1, Passivations(life));
    }

    private static TimeSpan Tick => Life<VmState, VmCommand, VmEvent, VmEffect>.TickEvery;

    private static TimeSpan Passivate => Life<VmState, VmCommand, VmEvent, VmEffect>.PassivateAfter;

    private static IEnumerable<string> Said(Life<VmState, VmCommand, VmEvent, VmEffect> life) =>
        life.Effects.Select(e => e.GetType().Name);

    private static int Passivations(Life<VmState, VmCommand, VmEvent, VmEffect> life) =>
        life.Story.OfType<Step.AskedToPassivate>().Count();
}
