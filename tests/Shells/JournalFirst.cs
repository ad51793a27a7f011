using Orchestrator.Actors;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Shells;

/// <summary>Nothing leaves a shell before the journal holds the fact it rests on.</summary>
public sealed class JournalFirst
{
    [Fact]
    public void A_command_goes_through_decide_persist_evolve_reply_effects_in_this_order()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        var from = life.Story.Count;
        life.Ask(vm, Web.Start);
        Assert.Equal(
            [
                "decides Start",
                "stands at Down",
                "writes vm.start-requested.1",
                "journal: Written",
                "stands at Placing",
                "replies accepted 2",
                "does FindHost in Placing",
            ],
            life.Since(from));
    }

    [Fact]
    public void While_the_store_holds_a_write_back_nobody_hears_of_it_and_nothing_else_is_decided()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        life.Store.Hold();
        var from = life.Story.Count;
        life.Tell(vm, Web.Start);
        life.Tell(vm, new Look());
        life.Tell(vm, Web.Offer);
        life.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(["decides Start", "stands at Down", "writes vm.start-requested.1"], life.Since(from));

        life.Store.Release();
        life.Run();
        Assert.Equal(
            ["replies accepted 2", "replies already done 2", "replies accepted 3"],
            life.Since(from).Where(s => s.StartsWith("replies", StringComparison.Ordinal)));
        Assert.Equal(["FindHost", "Launch"], life.Effects.Select(e => e.GetType().Name));
    }

    [Fact]
    public void Facts_of_one_command_are_one_batch_and_one_reply()
    {
        var (life, vm) = Web.After(new World(), Web.Create, Web.Start, Web.Offer);
        var from = life.Story.Count;
        Assert.Equal(5, Assert.IsType<Reply.Accepted>(life.Ask(vm, Web.Up)).Version);
        Assert.Equal(
            ["vm.launched.1", "vm.came-up.1"], life.Store.Batches[^1].Events.Select(e => e.Manifest));
        Assert.Single(life.Story.Skip(from).OfType<Step.Replied>());
    }

    [Fact]
    public void Effects_carry_the_state_that_holds_now_and_the_owners_epoch()
    {
        var (life, _) = Web.After(new World(), Web.Create, Web.Start, Web.Offer);
        var launch = life.Story.OfType<Step.Did>().Last();
        var seat = new Seat(Web.Host, "host-1", 1, new Lease(1));
        Assert.Equal(new VmEffect.Launch(seat), launch.Effect);
        Assert.Equal(seat, Assert.IsType<VmState.Starting>(launch.State).Seat);
        Assert.Equal(7, launch.Epoch);
    }
}
