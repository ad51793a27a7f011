using Orchestrator.Agent.Protocol;
using static Orchestrator.Tests.Simulation.World.WorldStory;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>The line between a node and an agent: what it carries, and what it looks like when it does not.</summary>
public sealed class LineTests
{
    [Fact]
    public void A_launch_is_followed_by_events_until_the_guest_is_up_and_down()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            var events = story.Follow(1);
            await story.Start(1, 1, 1);
            Accepted(await story.Agent(1).Stop(Vm(1), new StopOrder(new Stamp(1), 1, StopMode.Shutdown)));
            await story.Until(() => story.Host(1).Guests.IsEmpty);
            await story.Clock.Pass(0.1);

            Assert.IsType<HostEvent.Report>(events.Heard[0]);
            Assert.Equal(
                [GuestState.WaitForLaunch, GuestState.PoweringUp, GuestState.Up, GuestState.PoweringDown, GuestState.Down],
                events.StatesOf(1));
            Assert.Equal(events.Heard.Select(e => e.Sequence).Order(), events.Heard.Select(e => e.Sequence));
            Assert.Empty(story.World.Violations);
        });
    }

    [Fact]
    public void A_heartbeat_comes_twice_a_second()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            var events = story.Follow(1);
            await story.Clock.Pass(60);
            Assert.InRange(events.Heard.OfType<HostEvent.Heartbeat>().Count(), 118, 120);
        });
    }

    [Fact]
    public void An_order_into_a_cut_line_is_unknown_after_ten_seconds_and_may_arrive_when_the_line_carries_again()
    {
        var arrived = 0;
        for (var seed = 1; seed <= 20; seed++)
        {
            var story = new WorldStory(seed);
            story.Run(async () =>
            {
                await story.Agent(1).Describe();
                story.World.Faults.Cut("node-1", story.Host(1));
                var began = story.World.Now;
                Unknown(await story.Agent(1).Launch(Launch(1, 1)));
                Assert.InRange((story.World.Now - began).TotalSeconds, 9, 12);
                story.World.Faults.Heal("node-1", story.Host(1));
                await story.Clock.Pass(2);
                arrived += story.Host(1).Guests.Length;
            });
        }

        Assert.InRange(arrived, 1, 19);
    }

    [Fact]
    public void An_order_whose_answer_is_lost_is_carried_out_and_unknown()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Agent(1).Describe();
            story.World.Faults.Cut("node-1", story.Host(1), Direction.FromHost);
            Unknown(await story.Agent(1).Launch(Launch(1, 1)));
            Assert.Single(story.Host(1).Guests);
        });
    }

    [Fact]
    public void A_dead_agent_refuses_at_once_a_machine_without_power_is_silent()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            var events = story.Follow(1);
            await story.Clock.Pass(1);
            story.World.Faults.RestartAgent(story.Host(1));
            var broke = Assert.IsType<AgentUnreachableException>(await events.Ended);
            Assert.Contains("reset", broke.Message, StringComparison.Ordinal);
            var began = story.World.Now;
            Assert.Contains("refused", Unknown(await story.Agent(1).Launch(Launch(1, 1))), StringComparison.Ordinal);
            Assert.InRange((story.World.Now - began).TotalSeconds, 0, 0.1);

            await story.Clock.Pass(5);
            events = story.Follow(1);
            await story.Clock.Pass(1);
            story.World.Faults.PowerOff(story.Host(1));
            began = story.World.Now;
            Assert.IsType<AgentUnreachableException>(await events.Ended);
            Assert.InRange((story.World.Now - began).TotalSeconds, 9, 12);
            began = story.World.Now;
            Unknown(await story.Agent(1).Launch(Launch(1, 1)));
            Assert.InRange((story.World.Now - began).TotalSeconds, 2.9, 3.1);
        });
    }

    [Fact]
    public void What_was_under_way_when_the_line_was_cut_arrives_late_and_in_order()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            var events = story.Follow(1);
            await story.Clock.Pass(1);
            story.World.Faults.Cut("node-1", story.Host(1), Direction.Both, TimeSpan.FromSeconds(4));
            var before = events.Heard.Count;
            await story.Clock.Pass(3.9);
            Assert.Equal(before, events.Heard.Count);
            await story.Clock.Pass(0.5);
            Assert.InRange(events.Heard.Count - before, 7, 9);
            Assert.Equal(events.Heard.Select(e => e.Sequence).Order(), events.Heard.Select(e => e.Sequence));
            Assert.False(events.Ended.IsCompleted);
        });
    }

    [Fact]
    public void An_agent_that_hangs_does_later_what_came_meanwhile()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Agent(1).Describe();
            story.World.Faults.HangAgent(story.Host(1), TimeSpan.FromSeconds(5));
            var launch = story.Agent(1).Launch(Launch(1, 1));
            await story.Clock.Pass(4.9);
            Assert.False(launch.IsCompleted);
            Accepted(await launch);
        });
    }

    [Fact]
    public void A_machine_that_stands_still_goes_on_as_if_nothing_had_happened()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            var events = story.Follow(1);
            await story.Clock.Pass(1);
            Accepted(await story.Agent(1).Stop(Vm(1), new StopOrder(new Stamp(1), 1, StopMode.Shutdown)));
            story.World.Faults.Freeze(story.Host(1), TimeSpan.FromSeconds(60));
            Assert.IsType<AgentUnreachableException>(await events.Ended);
            await story.Clock.Pass(40);
            Assert.Single(story.Host(1).Guests);
            var heard = events.Heard.Count;
            await story.Clock.Pass(20);
            Assert.Empty(story.Host(1).Guests);
            Assert.Equal(heard, events.Heard.Count);
            Assert.Contains((await story.Agent(1).Report()).Guests, g => g.Vm == Vm(1) && g.Exit == GuestExit.Normal);
        });
    }

    [Fact]
    public void An_agent_that_dies_forgets_what_it_had_not_passed_on_but_not_its_leases()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            Accepted(await story.Agent(1).Launch(Launch(1, 7)));
            story.World.Faults.RestartAgent(story.Host(1));
            await story.Clock.Pass(5);
            Assert.Equal(RefusalCode.StaleLease, Refused(await story.Agent(1).Launch(Launch(1, 6))).Code);
            Assert.Empty(story.World.Violations);
        });
    }

    [Fact]
    public void A_higher_epoch_takes_the_stream_and_the_lower_is_refused_for_ever()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            var old = story.Follow(1, 4);
            await story.Clock.Pass(1);
            story.Follow(1, 5, "node-2");
            Assert.Null(await old.Ended);
            Assert.Equal(5, Assert.IsType<HostEvent.Superseded>(old.Heard[^1]).ByEpoch);
            Assert.Equal(RefusalCode.StaleEpoch, Refused(await story.Agent(1).Launch(Launch(1, 1, 4))).Code);
            story.World.Faults.RestartAgent(story.Host(1));
            await story.Clock.Pass(5);
            var again = story.Follow(1, 4);
            Assert.Equal(RefusalCode.StaleEpoch, Assert.IsType<AgentRefusedException>(await again.Ended).Refusal.Code);
        });
    }

    [Fact]
    public void A_ledger_that_cannot_be_written_starts_nothing_and_ends_the_agent()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            story.World.Faults.DiskFull(story.Host(1), TimeSpan.FromSeconds(20));
            Unknown(await story.Agent(1).Launch(Launch(2, 1)));
            Assert.DoesNotContain(story.Host(1).Guests, g => g.Key.Vm == Vm(2));
            await story.Clock.Pass(30);
            var events = story.Follow(1);
            await story.Clock.Pass(1);
            var report = Assert.IsType<HostEvent.Report>(events.Heard[0]);
            Assert.Contains(report.Guests, g => g.Vm == Vm(1) && g.State is GuestState.Up or GuestState.PoweringUp);
            Assert.DoesNotContain(report.Guests, g => g.Vm == Vm(2) && g.State != GuestState.Down);
        });
    }

    [Fact]
    public void The_same_seed_and_script_tell_the_same_story()
    {
        var first = Noted(7);
        Assert.Equal(first, Noted(7));
        Assert.NotEqual(first, Noted(8));
    }

    private static List<string> Noted(int seed)
    {
        var story = new WorldStory(seed, new WorldOptions { Hosts = 5 });
        story.Run(async () =>
        {
            for (var n = 1; n <= 5; n++)
            {
                var events = story.Follow(n);
                var host = n;
                _ = Report();

                async Task Report()
                {
                    await events.Ended;
                    story.Notes.Add($"{story.World.Now} host-{host} heard {events.Heard.Count} times, last {events.LastAt}");
                }
            }

            for (var vm = 1; vm <= 20; vm++) await story.Agent(1 + (vm % 5)).Launch(Launch(vm, 1));
            await story.Clock.Pass(3);
            story.World.Faults.CutOff(story.Host(1), Direction.Both, TimeSpan.FromSeconds(20));
            story.World.Faults.StorageGone(story.Host(2), TimeSpan.FromSeconds(20));
            story.World.Faults.HangAgent(story.Host(3), TimeSpan.FromSeconds(20));
            story.World.Faults.Reboot(story.Host(4));
            for (var vm = 21; vm <= 30; vm++) _ = story.Agent(1 + (vm % 5)).Launch(Launch(vm, 1));
            await story.Clock.Pass(60);
        });
        return story.Notes;
    }
}
