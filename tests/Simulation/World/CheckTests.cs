using Orchestrator.Agent.Protocol;
using static Orchestrator.Tests.Simulation.World.WorldStory;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>Each check finds the bug that was planted for it, and says where; an engine that keeps the rules breaks none.</summary>
public sealed class CheckTests
{
    [Fact]
    public void Two_launches_on_two_hosts_under_one_lease_are_two_copies()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            await story.Agent(2).Launch(Launch(1, 1));
            await story.Clock.Pass(2);
            var found = Found(story, CopyChecks.Rule);
            Assert.Contains("runs 2 times", found.What, StringComparison.Ordinal);
            Assert.Equal(2, found.Evidence.Length);
            Assert.Contains(story.World.Violations, v => v.Rule == LeaseChecks.LeaseRule);
            Assert.Contains(story.World.Violations, v => v.Rule == DiskChecks.Rule);
        });
    }

    [Fact]
    public void A_copy_on_a_host_that_nobody_reaches_is_a_copy()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            await story.Agent(1).Pause(Vm(1), new GuestOrder(new Stamp(1), 1));
            story.World.Faults.CutOff(story.Host(1));
            await story.Clock.Pass(60);
            await story.Agent(2).Launch(Launch(1, 2));
            await story.Clock.Pass(2);
            Found(story, CopyChecks.Rule);
        });
    }

    [Fact]
    public void An_agent_that_obeys_old_leases_is_found()
    {
        var story = Bugged(PlantedBug.ObeysOldLeases);
        story.Run(async () =>
        {
            await story.Start(1, 1, 2);
            await story.Agent(1).Stop(Vm(1), new StopOrder(new Stamp(1), 2, StopMode.PowerOff));
            await story.Until(() => story.Host(1).Guests.IsEmpty);
            Accepted(await story.Agent(1).Launch(Launch(1, 1)));
            await story.Clock.Pass(2);
            Assert.Equal(2, story.World.Violations.Count(v => v.Rule == LeaseChecks.LeaseRule));
        });
    }

    [Fact]
    public void An_agent_that_obeys_old_epochs_is_found()
    {
        var story = new WorldStory(options: Calm with { ObeysOldEpochs = true });
        story.Run(async () =>
        {
            await story.Start(1, 1, 1, epoch: 5);
            Accepted(await story.Agent(1).Launch(Launch(2, 1, epoch: 4)));
            Found(story, LeaseChecks.EpochRule);
        });
    }

    [Fact]
    public void An_agent_that_obeys_an_order_for_another_boot_is_found()
    {
        var story = Bugged(PlantedBug.ObeysOrdersForAnotherBoot);
        story.Run(async () =>
        {
            Accepted(await story.Agent(1).Launch(Launch(1, 1, boot: "boot-1-0")));
            Found(story, LeaseChecks.EpochRule);
        });
    }

    [Fact]
    public void An_agent_that_lost_its_ledger_is_found()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 3);
            await story.Agent(1).Stop(Vm(1), new StopOrder(new Stamp(1), 3, StopMode.PowerOff));
            await story.Until(() => story.Host(1).Guests.IsEmpty);
            story.Host(1).ForgetLedger();
            story.World.Faults.RestartAgent(story.Host(1));
            await story.Clock.Pass(5);
            Accepted(await story.Agent(1).Launch(Launch(1, 3)));
            await story.Clock.Pass(2);
            Found(story, LeaseChecks.LeaseRule);
        });
    }

    [Fact]
    public void Two_guests_with_one_image_are_two_writers_and_so_is_a_job_on_it()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            Accepted(await story.Agent(1).Launch(Launch(1, 1, disk: "/storage/one")));
            await story.Clock.Pass(2);
            var create = new ImageJob.Create("/storage/one", DiskFormat.Raw, 1);
            await story.Agent(2).Run(Vm(99), new JobOrder(new Stamp(1), create));
            await story.Clock.Pass(2);
            Assert.Single(story.World.Violations, v => v.Rule == DiskChecks.Rule);
            Accepted(await story.Agent(2).Launch(Launch(2, 1, disk: "/storage/one")));
            await story.Clock.Pass(2);
            Assert.Equal(2, story.World.Violations.Count(v => v.Rule == DiskChecks.Rule));
        });
    }

    /// <summary>The copy catches up after 1.6 s.</summary>
    [Theory]
    [InlineData(0.8, true)]
    [InlineData(3, false)]
    public void A_guest_that_begins_with_a_copy_of_before_it_had_caught_up_misses_what_it_wrote(double seconds, bool misses)
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            var mirror = new ImageJob.Mirror(Vm(1), 1, Vm(1001), "/storage/copy", DiskFormat.Qcow2);
            await story.Agent(1).Run(Vm(99), new JobOrder(new Stamp(1), mirror));
            await story.Clock.Pass(seconds);
            await story.Agent(1).Stop(Vm(1), new StopOrder(new Stamp(1), 1, StopMode.PowerOff));
            await story.Until(() => story.Host(1).Guests.IsEmpty);
            Accepted(await story.Agent(2).Launch(Launch(1, 2, disk: "/storage/copy")));
            await story.Clock.Pass(2);
            Assert.Equal(misses ? 1 : 0, story.World.Violations.Count(v => v.Rule == DiskChecks.LostWrite));
        });
    }

    [Fact]
    public void A_guest_powered_off_that_nobody_asked_to_end_is_lost_needlessly()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            await story.Start(2, 1, 1);
            story.World.ClientEnds(Vm(1));
            await story.Agent(1).Stop(Vm(1), new StopOrder(new Stamp(1), 1, StopMode.PowerOff));
            await story.Clock.Pass(2);
            story.World.ClientIsAnswered(Vm(1));
            Assert.Empty(story.World.Violations);
            await story.Agent(1).Stop(Vm(2), new StopOrder(new Stamp(1), 1, StopMode.PowerOff));
            await story.Clock.Pass(2);
            Assert.Contains("vm2", Found(story, LossChecks.Rule).What, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void An_agent_that_kills_what_it_was_asked_to_pause_is_found()
    {
        var story = Bugged(PlantedBug.KillsInsteadOfPausing);
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            await story.Agent(1).Pause(Vm(1), new GuestOrder(new Stamp(1), 1));
            await story.Clock.Pass(2);
            Found(story, LossChecks.Rule);
        });
    }

    [Fact]
    public void Power_cut_from_a_host_that_was_heard_all_the_time_is_found_and_from_a_silent_one_is_right()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            story.Follow(1);
            story.Follow(2);
            await story.Clock.Pass(300);
            story.World.Faults.CutOff(story.Host(1));
            await story.Clock.Pass(10);
            Assert.Equal(new FenceResult(FencePower.Off, true, "Success: Powered OFF"), await Fence(story, 1));
            Assert.False(story.Host(1).Powered);
            Assert.Empty(story.World.Violations);
            await Fence(story, 2);
            Found(story, PowerChecks.Rule);
        });
    }

    [Fact]
    public void What_comes_to_a_node_that_does_not_listen_or_may_not_act_is_no_sign_of_life()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            var left = story.Agent(1).Events(1, Vm(1)).GetAsyncEnumerator();
            Assert.True(await left.MoveNextAsync());
            await story.Clock.Pass(10);
            await Fence(story, 1);

            story.Follow(2);
            await story.Clock.Pass(10);
            story.World.MayAct = static _ => false;
            await story.Clock.Pass(10);
            await Fence(story, 2);
            Assert.Empty(story.World.Violations);
        });
    }

    [Fact]
    public void A_lying_power_device_excuses_copies_of_its_host_and_of_no_other()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            await story.Start(2, 2, 1);
            story.World.Faults.FenceLies(story.Host(1));
            story.World.Faults.CutOff(story.Host(1));
            await story.Clock.Pass(10);
            Assert.Equal(FencePower.Off, (await Fence(story, 1)).Power);
            await story.Agent(3).Launch(Launch(1, 2));
            await story.Clock.Pass(2);
            Assert.Empty(story.World.Violations);
            Assert.Contains(story.World.Excused, v => v.Rule == CopyChecks.Rule);
            await story.Agent(3).Launch(Launch(2, 2));
            await story.Clock.Pass(2);
            Found(story, CopyChecks.Rule);
        });
    }

    [Fact]
    public void A_migration_is_one_copy_at_every_moment_also_when_it_fails()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            story.World.Faults.MigrationsFail(story.Host(1), 1, TimeSpan.FromSeconds(20));
            await Migrate(story, 1, 2, 1, 2);
            await story.Clock.Pass(10);
            Assert.Equal([1], story.World.Running().Select(r => r.Host.Number));
            await story.Clock.Pass(20);

            await Migrate(story, 1, 2, 1, 3);
            await story.Clock.Pass(10);
            Assert.Equal([(2, 3L)], story.World.Running().Select(r => (r.Host.Number, r.Lease)));

            await Migrate(story, 2, 3, 3, 4);
            await story.Clock.Pass(2);
            story.World.Faults.PowerOff(story.Host(3));
            await story.Clock.Pass(10);
            Assert.Equal([(2, 3L)], story.World.Running().Select(r => (r.Host.Number, r.Lease)));
            Assert.Empty(story.World.Violations);
        });
    }

    /// <summary>Only its destination can tell that it lives: the engine must not take the source's word for its end.</summary>
    [Fact]
    public void A_guest_that_leaves_while_its_agent_is_away_is_told_of_as_lost_and_runs_elsewhere()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            await Migrate(story, 1, 2, 1, 2);
            await story.Clock.Pass(4);
            story.World.Faults.RestartAgent(story.Host(1), TimeSpan.FromSeconds(5));
            await story.Clock.Pass(10);
            var left = (await story.Agent(1).Report()).Guests.Single();
            Assert.Equal((GuestState.Down, GuestExit.Lost), (left.State, left.Exit));
            Assert.Equal([2], story.World.Running().Select(r => r.Host.Number));
            Assert.Empty(story.World.Violations);
        });
    }

    [Fact]
    public void Power_devices_fail_in_every_way_they_can()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            foreach (var (how, answered, power) in new[]
            {
                (FenceHow.Refuses, FencePower.Unknown, true),
                (FenceHow.IsDeaf, FencePower.Unknown, true),
                (FenceHow.LosesItsAnswer, FencePower.Unknown, false),
                (FenceHow.IsSlow, FencePower.Unknown, false),
                (FenceHow.Lies, FencePower.Off, true),
                (FenceHow.Works, FencePower.Off, false),
            })
            {
                story.World.Faults.FenceFails(story.Host(1), how);
                Assert.Equal(answered, (await Fence(story, 1)).Power);
                await story.Clock.Pass(60);
                Assert.True(power == story.Host(1).Powered, $"{how}");
                story.World.Faults.PowerOn(story.Host(1));
                await story.Clock.Pass(60);
            }
        });
    }

    [Fact]
    public void Guests_stop_when_their_storage_is_gone_and_jobs_fail()
    {
        var story = new WorldStory();
        story.Run(async () =>
        {
            await story.Start(1, 1, 1);
            var events = story.Follow(1);
            story.World.Faults.StorageGone(null, TimeSpan.FromSeconds(60));
            await story.Clock.Pass(15);
            var paused = Assert.IsType<HostEvent.GuestChanged>(events.Heard.Last(e => e is HostEvent.GuestChanged)).Guest;
            Assert.Equal((GuestState.Paused, "io-error"), (paused.State, paused.PauseReason));
            var create = new ImageJob.Create("/storage/new", DiskFormat.Raw, 1);
            await story.Agent(1).Run(Vm(99), new JobOrder(new Stamp(1), create));
            await story.Clock.Pass(60);
            Assert.Equal(JobState.Failed, (await story.Agent(1).Job(Vm(99))).State);
            Accepted(await story.Agent(1).Resume(Vm(1), new GuestOrder(new Stamp(1), 1)));
            await story.Clock.Pass(1);
            Assert.Equal(GuestState.Up, story.Host(1).Guests.Single().State);
        });
    }

    private static async Task Migrate(WorldStory story, int from, int to, long lease, long newLease)
    {
        Accepted(await story.Agent(to).PrepareIncoming(new IncomingOrder(new Stamp(1), newLease, Definition(1))));
        var uri = (await story.Agent(to).Describe()).MigrationUri;
        Accepted(await story.Agent(from).Migrate(Vm(1), new MigrateOrder(new Stamp(1), lease, uri, newLease)));
    }

    private static Task<FenceResult> Fence(WorldStory story, int host) => story.World.Fence("node-1").Run(
        new FenceOrder(null, "ipmilan", story.Host(host).Fence.Address, FenceAction.Off));

    private static WorldStory Bugged(OrderTaker bug) =>
        new(options: Calm with { Bug = bug });

    private static WorldOptions Calm => new() { Hosts = 3, Profile = new WorldOptions().Profile with { Spread = 0 } };

    private static Violation Found(WorldStory story, string rule) =>
        Assert.Single(story.World.Violations, v => v.Rule == rule);
}
