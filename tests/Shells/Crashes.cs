using Orchestrator.Actors;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Shells;

/// <summary>
/// A process may die between any two turns. What was answered is in the journal; what is owed is said again.
/// </summary>
public sealed class Crashes
{
    [Fact]
    public void After_a_death_between_journal_and_hands_the_debt_is_read_off_the_state()
    {
        var world = new World();
        var (life, vm) = Web.After(world, Web.Create);
        life.HandsAreDead = true;
        Assert.IsType<Reply.Accepted>(life.Ask(vm, Web.Start));
        Assert.Empty(life.Effects);
        world.Crash();

        var next = Web.Begin(world);
        next.Wake();
        next.Run();
        Assert.Equal([new VmEffect.FindHost(Lease.None, null, null)], next.Effects);
        Assert.Equal(0, next.Writes);
    }

    [Fact]
    public void After_a_stop_between_journal_and_hands_the_next_incarnation_pays_the_debt()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        life.HandsAreDead = true;
        life.Ask(vm, Web.Start);
        life.Tell(vm, Akka.Actor.PoisonPill.Instance);
        life.Run();
        Assert.Equal(
            ["lays its hands down", "stopped"], life.Since(life.Story.Count - 2).Order(StringComparer.Ordinal));

        life.HandsAreDead = false;
        life.Wake();
        life.Run();
        Assert.Equal([new VmEffect.FindHost(Lease.None, null, null)], life.Effects);
    }

    /// <summary>
    /// The same life is led again and again; each time the process dies one turn later, at every place where it can.
    /// The client does what a client of the cluster does: what was not answered it asks again, under the same job.
    /// </summary>
    [Fact]
    public void Wherever_the_process_dies_the_journal_tells_the_same_life_and_every_debt_is_said()
    {
        var whole = new World();
        Web.After(whole, Web.Biography);
        string[] expected = [.. whole.Facts];
        Assert.Equal(8, expected.Length);

        var (deaths, unanswered, unpaid) = (0, 0, 0);
        for (var turns = 1; Lead(turns, expected, ref unanswered, ref unpaid); turns++) deaths++;

        // The sweep met the moments that it is about, or it proves nothing.
        Assert.True(deaths > 2 * Web.Biography.Length, $"only {deaths} places to die at");
        Assert.True(unanswered >= Web.Biography.Length, $"only {unanswered} deaths with facts that nobody had heard");
        Assert.True(unpaid > 0, "no death came between a fact and its effect");
    }

    /// <summary>False when the life was over before the process could die.</summary>
    private static bool Lead(int turns, string[] expected, ref int unanswered, ref int unpaid)
    {
        var world = new World();
        var life = Web.Begin(world);
        var vm = life.Wake();
        var died = false;
        foreach (var command in Web.Biography)
        {
            var answers = life.Replies.Count();
            life.Tell(vm, command);
            while (life.Replies.Count() == answers)
            {
                if (!died && turns-- == 0)
                {
                    died = true;
                    (life, vm) = Die(world, life, ref unanswered, ref unpaid);
                    answers = 0;
                    life.Tell(vm, command);
                }

                Assert.True(life.RunOne(), $"{command} is never answered");
            }
        }

        life.Run();
        Assert.Equal(expected, world.Facts);
        return died;
    }

    private static (Life<VmState, VmCommand, VmEvent, VmEffect> Life, Akka.Actor.IActorRef Vm) Die(
        World world, Life<VmState, VmCommand, VmEvent, VmEffect> dead, ref int unanswered, ref int unpaid)
    {
        var facts = world.Database.Journal;
        var heard = dead.Replies.OfType<Reply.Accepted>().Select(r => r.Version).DefaultIfEmpty().Max();
        Assert.True(heard <= facts.Length, "a reply without its fact");
        if (heard < facts.Length) unanswered++;

        // FindHost, Launch and Halt are the debts of this life, one after the other.
        var due = facts.Count(r => r.Manifest is "vm.start-requested.1" or "vm.placed.1" or "vm.stop-requested.1");
        var said = dead.Effects.Count();
        Assert.True(said <= due, "an effect without its fact");

        world.Crash();
        var life = Web.Begin(world);
        var vm = life.Wake();
        life.Run();
        var state = (VmState)life.Story.OfType<Step.Stands>().Last().State;
        Assert.Equal(VmDecider.Outstanding(state), life.Effects);
        if (said < due && life.Effects.Any()) unpaid++;
        return (life, vm);
    }
}
