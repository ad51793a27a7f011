using System.Net;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Tests.Agent;
using static Orchestrator.Tests.Simulation.World.WorldStory;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// The line in memory and the agent over HTTPS are one thing to the engine: the same orders in the same order get the same
/// receipts, refusals and events.
/// </summary>
public sealed class SameAsHttpTests
{
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(5);
    private static readonly SimulatedProfile Profile = new()
    {
        LaunchTime = Quick,
        BootTime = Quick,
        ShutdownTime = Quick,
        PowerOffTime = Quick,
        HostBootTime = Quick,
        MigrationTime = TimeSpan.FromMilliseconds(50),
        Spread = 0,
    };

    [Fact]
    public async Task One_script_gets_the_same_answers_over_the_wire_and_in_memory()
    {
        var wire = await OverHttp();
        var memory = InMemory();
        Assert.NotEmpty(wire);
        Assert.Equal(string.Join('\n', wire), string.Join('\n', memory));
    }

    private static async Task<List<string>> OverHttp()
    {
        using var authority = new TestAuthority();
        await using var fleet = SimulatedFleet.Build(new FleetConfig
        {
            Credentials = authority.Credentials("agent"),
            Hosts = 2,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            ControlPort = 0,
            Profile = Profile,
        });
        await fleet.Start();
        using var transport = new AgentTransport(authority.Credentials("engine"));
        var script = new Script(
            new AgentClient(transport, fleet.AddressOf(1)), new AgentClient(transport, fleet.AddressOf(2)),
            () => Task.Delay(Quick));
        return await script.Run();
    }

    private static List<string> InMemory()
    {
        var story = new WorldStory(1, new WorldOptions { Hosts = 2, Profile = Profile });
        List<string>? lines = null;
        story.Run(async () => lines = await new Script(
            story.Agent(1), story.Agent(2), () => story.Clock.Pass(Quick.TotalSeconds)).Run());
        return lines!;
    }

    private sealed class Script(IAgent one, IAgent two, Func<Task> pause)
    {
        private readonly List<string> _lines = [];
        private readonly Stamp _first = new(1);

        public async Task<List<string>> Run()
        {
            await Launches();
            await Orders();
            await Ends();
            await Migrates();
            await Jobs();
            await Questions();
            await Streams();
            return _lines;
        }

        private async Task Launches()
        {
            Say("launch", await one.Launch(Launch(1, 5)));
            await Until(one, 1, GuestState.Up);
            Say("again", await one.Launch(Launch(1, 5)));
            Say("stale", await one.Launch(Launch(1, 4)));
            Say("occupied", await one.Launch(Launch(1, 6)));
            Say("no lease", await one.Launch(Launch(2, 0)));
            Say("no epoch", await one.Launch(Launch(2, 1, epoch: -1)));
            Say("other boot", await one.Launch(Launch(2, 1, boot: "boot-1-7")));
            Say("this boot", await one.Launch(Launch(2, 1, boot: "boot-1-1")));
            await Until(one, 2, GuestState.Up);
        }

        private async Task Orders()
        {
            var (now, before, after) = (new GuestOrder(_first, 5), new GuestOrder(_first, 4), new GuestOrder(_first, 6));
            Say("pause", await one.Pause(Vm(1), now));
            await Until(one, 1, GuestState.Paused);
            Say("pause again", await one.Pause(Vm(1), now));
            Say("pause of an old lease", await one.Pause(Vm(1), before));
            Say("pause of a lease to come", await one.Pause(Vm(1), after));
            Say("pause of nobody", await one.Pause(Vm(9), now));
            Say("resume", await one.Resume(Vm(1), now));
            await Until(one, 1, GuestState.Up);
            Say("resume again", await one.Resume(Vm(1), now));
            Say("cancel without a migration", await one.CancelMigration(Vm(1), now));
            Say("forget of one that runs", await one.Forget(Vm(1), now));
            Say("forget of nobody", await one.Forget(Vm(9), now));
            Say("shutdown of nobody", await one.Stop(Vm(9), new StopOrder(_first, 1, StopMode.Shutdown)));
        }

        private async Task Ends()
        {
            Say("shutdown", await one.Stop(Vm(1), new StopOrder(_first, 5, StopMode.Shutdown)));
            await Until(one, 1, GuestState.Down);
            Say("shutdown again", await one.Stop(Vm(1), new StopOrder(_first, 5, StopMode.Shutdown)));
            Say("reset of one that is down", await one.Stop(Vm(1), new StopOrder(_first, 5, StopMode.Reset)));
            Say("launch of an ended lease", await one.Launch(Launch(1, 5)));
            Say("forget", await one.Forget(Vm(1), new GuestOrder(_first, 5)));
            Say("forget again", await one.Forget(Vm(1), new GuestOrder(_first, 5)));
            Say("launch of a forgotten lease", await one.Launch(Launch(1, 5)));
            Say("bury", await one.Stop(Vm(3), new StopOrder(_first, 3, StopMode.PowerOff)));
            Say("launch of a buried lease", await one.Launch(Launch(3, 3)));
        }

        private async Task Migrates()
        {
            var uri = (await two.Describe()).MigrationUri;
            Say("migrate to a lower lease", await one.Migrate(Vm(2), new MigrateOrder(_first, 1, uri, 1)));
            Say("migrate to one that does not expect", await one.Migrate(Vm(2), new MigrateOrder(_first, 1, uri, 2)));
            await Until(one, 2, GuestState.Up, g => g.MigrationError is not null);
            Say("migrate by an order that is over", await one.Migrate(Vm(2), new MigrateOrder(_first, 1, uri, 2)));
            Say("incoming", await two.PrepareIncoming(new IncomingOrder(_first, 3, Definition(2))));
            Say("incoming again", await two.PrepareIncoming(new IncomingOrder(_first, 3, Definition(2))));
            Say("migrate", await one.Migrate(Vm(2), new MigrateOrder(_first, 1, uri, 3)));
            await Until(two, 2, GuestState.Up);
            await Until(one, 2, GuestState.Down);
            Say("given up", await two.PrepareIncoming(new IncomingOrder(_first, 9, Definition(4))));
            Say("give up", await two.Stop(Vm(4), new StopOrder(_first, 9, StopMode.PowerOff)));
            await Until(two, 4, GuestState.Down);
        }

        private async Task Jobs()
        {
            var create = new JobOrder(_first, new ImageJob.Create("/storage/new", DiskFormat.Raw, 1 << 20));
            Say("job", await one.Run(Vm(70), create));
            await Until(async () => (await one.Job(Vm(70))).State == JobState.Done);
            Say("job done", await one.Job(Vm(70)));
            Say("job again", await one.Run(Vm(70), create));
            await Refused("job of another kind", () => one.Run(Vm(70), create with { Job = new ImageJob.Delete("/storage/new") }));
            await Refused("no such job", () => one.Job(Vm(71)));
            await one.Run(Vm(72), create);
            await Until(async () => (await one.Job(Vm(72))).State == JobState.Failed);
            Say("job that fails", await one.Job(Vm(72)));
        }

        private async Task Questions()
        {
            var about = await one.Describe();
            Say("about", (about.HostUuid, about.BootId, about.Protocol, about.Driver, about.Cpus, about.MemoryBytes, about.MigrationUri));
            Say("statistics", (await two.Statistics()) with { UptimeSeconds = 0 });
            Say("console", await two.ConsoleLog(Vm(2)));
            await Refused("no console", () => two.ConsoleLog(Vm(99)));
            var report = await two.Report();
            Say("report", string.Join(" | ", report.Guests.Select(Word)) + $" in {report.BootId}, {report.Jobs.Length} jobs");
        }

        private async Task Streams()
        {
            await using var owner = one.Events(3, Vm(500)).GetAsyncEnumerator();
            Assert.True(await owner.MoveNextAsync());
            Say("first event", owner.Current is HostEvent.Report r ? string.Join(" | ", r.Guests.Select(Word)) : "no report");
            Say("order with the epoch before", await one.Launch(Launch(8, 1)));
            await Refused("job with the epoch before", () => one.Run(Vm(73), new JobOrder(_first, new ImageJob.Delete("/x"))));
            await Refused("fence with the epoch before", () => one.Fence(new FenceOrder(_first, "x", "nowhere", FenceAction.Status)));
            await Refused("stream with the epoch before", async () =>
            {
                await using var old = one.Events(2, Vm(500)).GetAsyncEnumerator();
                return await old.MoveNextAsync();
            });
            Say("order with a higher epoch", await one.Launch(Launch(8, 1, epoch: 4)));
            var told = new List<string>();
            while (await owner.MoveNextAsync())
                if (owner.Current is HostEvent.GuestChanged or HostEvent.Superseded)
                    told.Add(owner.Current is HostEvent.Superseded s ? $"superseded by {s.ByEpoch}" : "guest");
            Say("what ended the stream", string.Join(", ", told));
        }

        private async Task Refused<T>(string what, Func<Task<T>> ask)
        {
            try
            {
                Say(what, await ask());
            }
            catch (AgentRefusedException e)
            {
                Say(what, new AgentAnswer.Refused(e.Refusal));
            }
            catch (AgentUnreachableException e)
            {
                Say(what, e.GetType().Name);
            }
        }

        private Task Until(IAgent agent, int vm, GuestState state, Func<GuestReport, bool>? where = null) =>
            Until(async () => (await agent.Report()).Guests.Any(
                g => g.Vm == Vm(vm) && g.State == state && (where is null || where(g))));

        private async Task Until(Func<Task<bool>> so)
        {
            for (var n = 0; !await so(); n++)
            {
                Assert.True(n < 4000, $"it did not come to be; so far:\n{string.Join('\n', _lines)}");
                await pause();
            }
        }

        private void Say(string what, object? answer) => _lines.Add($"{what}: " + answer switch
        {
            AgentAnswer.Accepted a => $"accepted {Word(a.Receipt.Guest)}",
            AgentAnswer.Refused { Refusal: var r } =>
                $"refused {r.Code} '{r.Message}' epoch {r.Epoch} lease {r.Lease} boot {r.BootId} {Word(r.Guest)}",
            _ => answer,
        });

        private static string Word(GuestReport? g) => g is null
            ? "no guest"
            : $"{g.Vm} lease {g.Lease} {g.State} {g.Exit} '{g.ExitMessage}' {g.PauseReason} '{g.MigrationError}' {g.MemoryBytes}";
    }
}
