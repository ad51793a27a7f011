using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>A world, one engine node in it that is a test, and what was noted.</summary>
internal sealed class WorldStory
{
    private readonly Dictionary<int, Listener> _listeners = [];

    public WorldStory(int seed = 1, WorldOptions? options = null)
    {
        Options = options ?? new WorldOptions { Hosts = 3, Profile = new WorldOptions().Profile with { Spread = 0 } };
        World = new SimulatedWorld(Options, Clock, seed, what => Notes.Add($"{World?.Now.TotalSeconds ?? 0:F3} {what}"));
    }

    public WorldOptions Options { get; }

    public OneThread Clock { get; } = new();

    public List<string> Notes { get; } = [];

    public SimulatedWorld World { get; }

    public static Guid Vm(int n) => new(n, 0, 0, new byte[8]);

    public WorldHost Host(int n) => World.Hosts[n - 1];

    public IAgent Agent(int host, string node = "node-1") => World.Agent(node, Host(host).Address);

    /// <summary>Follows the host's events from now on, under this epoch.</summary>
    public Listener Follow(int host, long epoch = 1, string node = "node-1")
    {
        var listener = new Listener(Agent(host, node).Events(epoch, new Guid(host, 1, 0, new byte[8])), Clock);
        _listeners[host] = listener;
        return listener;
    }

    public static LaunchOrder Launch(int vm, long lease, long epoch = 1, string? boot = null, string? disk = null) =>
        new(new Stamp(epoch, boot), lease, Definition(vm, disk));

    public static VmDefinition Definition(int vm, string? disk = null) => new(Vm(vm), $"vm{vm}", 1L << 30)
    {
        Disks = [new VmDisk(Vm(1000 + vm), disk ?? $"/storage/vm{vm}.qcow2")],
    };

    public static GuestReport? Accepted(AgentAnswer answer) => Assert.IsType<AgentAnswer.Accepted>(answer).Receipt.Guest;

    public static AgentRefusal Refused(AgentAnswer answer) => Assert.IsType<AgentAnswer.Refused>(answer).Refusal;

    public static string Unknown(AgentAnswer answer) => Assert.IsType<AgentAnswer.Unknown>(answer).Reason;

    /// <summary>Launches and waits until the guest is up.</summary>
    public async Task Start(int vm, int host, long lease, long epoch = 1)
    {
        Accepted(await Agent(host).Launch(Launch(vm, lease, epoch)));
        await Until(() => Host(host).Guests.Any(g => g.Key.Vm == Vm(vm) && g.State == GuestState.Up));
    }

    public async Task Until(Func<bool> so)
    {
        for (var n = 0; !so(); n++)
        {
            Assert.True(n < 6000, $"it did not come to be in 10 minutes; noted:\n{string.Join('\n', Notes)}");
            await Clock.Pass(0.1);
        }
    }

    public void Run(Func<Task> story)
    {
        Clock.Run(story);
        World.Dispose();
    }

    /// <summary>What came over one stream, and how it ended.</summary>
    internal sealed class Listener
    {
        public Listener(IAsyncEnumerable<HostEvent> events, OneThread clock) => Ended = Listen(events, clock);

        public List<HostEvent> Heard { get; } = [];

        public TimeSpan LastAt { get; private set; }

        public Task<Exception?> Ended { get; }

        public List<GuestState> StatesOf(int vm) =>
            Heard.OfType<HostEvent.GuestChanged>().Where(g => g.Guest.Vm == Vm(vm)).Select(g => g.Guest.State).ToList();

        private async Task<Exception?> Listen(IAsyncEnumerable<HostEvent> events, OneThread clock)
        {
            try
            {
                await foreach (var told in events)
                {
                    Heard.Add(told);
                    LastAt = clock.GetElapsedTime(0);
                }

                return null;
            }
            catch (Exception e)
            {
                return e;
            }
        }
    }
}
