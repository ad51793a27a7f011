using System.Net;
using Akka.Configuration;
using Orchestrator.Agent.Protocol;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Orchestrator.Tests.Simulation.Checks;
using Orchestrator.Tests.Simulation.Clients;
using Orchestrator.Tests.Simulation.Faults;
using Orchestrator.Tests.Simulation.Installation;
using Orchestrator.Tests.Simulation.Machine;
using Orchestrator.Tests.Simulation.Planting;
using Orchestrator.Tests.Simulation.World;

namespace Orchestrator.Tests.Simulation;

/// <summary>A whole installation from one seed: engine nodes, database, hosts, clients, faults and checkers on one
/// thread and one virtual clock.</summary>
public sealed class Simulation : IDisposable
{
    private static readonly DateTimeOffset _start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly List<Checker> _checkers = [];
    private readonly HashSet<string> _said = [];
    private long _viewSeen;

    public Simulation(Options options, Action<string>? echo = null)
    {
        Options = options;
        Thread = new SimulatedThread(_start);
        Timeline = new Timeline(Thread, options.Keep) { Echo = echo };
        Outside = new SimulatedProcess(Thread, "the world");
        Database = new SimulatedDatabase(Outside, new StoreFaults(Chance("store")));
        var delays = Chance("network");
        Network = new MemoryNetwork(Outside.Clock)
        {
            Delay = (from, to) => SlowLinks.GetValueOrDefault((from, to), TimeSpan.FromMicroseconds(150))
                * (0.7 + (0.6 * delays.NextDouble())),
        };
        World = new SimulatedWorld(
            new WorldOptions
            {
                Hosts = options.Hosts,
                CrashKernels = options.Kdump,
                Certificates = options.Certificates,
                Bug = options.Bug?.Agent,
                ObeysOldEpochs = options.Bug?.AgentObeysOldEpochs == true,
            }, Outside.Clock, Seeded("world"),
            Timeline.Note)
        {
            CrashKernelSpeaks = host => HearKdump(host),
            MayAct = node => Nodes!.Single(n => n.Name == node).Membership is { MayAct: true },
            PassesOn = (from, by) => Nodes!.Single(n => n.Name == by).IsUp && !Network!.IsCut(from, by) && !Network.IsCut(by, from),
        };
        var parts = new NodeParts(
            Thread, Database, Network, (node, address) => World.Agent(node, address), node => World.Fence(node),
            ConfigurationFactory.ParseString(
                $"{options.Hocon}\n{options.Bug?.Hocon}\n{(options.Kdump ? "orchestrator.kdump.listen = \"0.0.0.0:7410\"" : "")}"), Chance("nodes"), Timeline, options.Verbose)
        {
            Replace = options.Bug?.Entity,
            Around = (node, address) => Nodes!.Where(n => n.Name != node && IsMember(n))
                .Select(n => new AgentWay(n.Name, World.Agent(node, n.Name, address))),
            Closed = World.NodeDied,
            SoftFence = options.SoftFencing ? World.SoftFence : null,
            Installer = World.Installer,
            Authority = options.Certificates ? new WorldAuthority() : null,
        };
        Nodes = [.. Enumerable.Range(1, options.Nodes).Select(n => new SimulatedNode(n, parts))];
        Clients = new ApiClients(this, Chance("clients"));
        Plan = new FaultPlan(this, Chance("faults"));
        Replicas = new Replicas(this);
        _checkers.AddRange([
            Replicas, new OwnershipChecker(this), new AcceptedChecker(this), new ReplayChecker(this, Chance("replay")),
            new PlacementChecker(this), new WorldChecker(this),
        ]);
        Settled = new SettleChecker(this);
        Database.Read.Said += line => Timeline.Note($"engine: {line.Description}");
        options.Bug?.Plant?.Invoke(this);
    }

    public Options Options { get; }

    public SimulatedThread Thread { get; }

    public Timeline Timeline { get; }

    /// <summary>Where everything runs that is no engine node: network, database, clients, the plan.</summary>
    public SimulatedProcess Outside { get; }

    public SimulatedDatabase Database { get; }

    public MemoryNetwork Network { get; }

    public Dictionary<(string From, string To), TimeSpan> SlowLinks { get; } = [];

    public SimulatedWorld World { get; }

    public IReadOnlyList<SimulatedNode> Nodes { get; }

    public ApiClients Clients { get; }

    public FaultPlan Plan { get; }

    public Replicas Replicas { get; }

    public SettleChecker Settled { get; }

    public List<string> Violations { get; } = [];

    /// <summary>Runs until the simulated time is over, a rule is broken, or the caller has enough.</summary>
    public Outcome Run(Func<bool>? enough = null)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        Outside.Schedule(Begin);
        var end = _start.UtcTicks + Options.Time.Ticks;
        var steps = 0L;
        string? broken = null;
        try
        {
            while (Thread.Step(end) && Violations.Count == 0)
            {
                if (Database.Engine.View is var view && view.Version != _viewSeen)
                {
                    _viewSeen = view.Version;
                    foreach (var checker in _checkers) checker.OnView(view);
                }

                if ((++steps & 0xffff) == 0 && enough?.Invoke() == true) break;
            }
        }
        catch (Exception e)
        {
            broken = e.ToString();
            Violated("the simulation itself", e.Message);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }

        if (Violations.Count == 0)
            foreach (var checker in _checkers) checker.OnEnd();
        return new Outcome(
            Options, Thread.Elapsed, System.Diagnostics.Stopwatch.GetElapsedTime(began), Thread.Turns, Timeline.Digest,
            Clients.Accepted.Count, Clients.Refused, Clients.Unavailable, Plan.Injected, Settled.Slowest, [.. Violations],
            broken);
    }

    /// <summary>A checker has seen a rule broken: the run ends here. One line per rule and thing.</summary>
    public void Violated(string rule, string what)
    {
        var text = $"{rule}: {what}";
        if (!_said.Add(text)) return;
        Violations.Add(text);
        Timeline.Note($"VIOLATION  {text}");
    }

    private bool IsMember(SimulatedNode node) => node.Membership?.Self is { } self && Database.Engine.View.Members
        .Any(m => m.Node.Id == self && m.Status == NodeStatus.Up);

    public Random Chance(string of) => new(Seeded(of));

    /// <summary>Runs something in the world after a time.</summary>
    public void After(TimeSpan time, Action what) => Database.After(time, what);

    public void Every(TimeSpan time, Action what) =>
        _ = Outside.Clock.CreateTimer(static w => ((Action)w!)(), what, time, time);

    /// <summary>fence_kdump_send names all engine nodes.</summary>
    private void HearKdump(WorldHost host)
    {
        foreach (var node in Nodes)
            if (node is { Process: { } process, News: { } news })
                process.Schedule(() => _ = news(IPAddress.Parse(host.Address.Host)));
    }

    public void Dispose() => World.Dispose();

    /// <summary>Each part has its own chance: what one part asks for does not change what another gets.</summary>
    private int Seeded(string of)
    {
        var hash = 2166136261u ^ (uint)Options.Seed;
        hash *= 16777619u;
        foreach (var unit in of) hash = (hash ^ unit) * 16777619u;
        return (int)((hash ^ (hash >> 15)) & int.MaxValue);
    }

    private void Begin()
    {
        foreach (var node in Nodes) node.Start();
        Every(TimeSpan.FromSeconds(30), () => Database.Read.DropOldJobs(Outside.Clock.GetUtcNow()));
        Every(TimeSpan.FromSeconds(1), () =>
        {
            foreach (var checker in _checkers) checker.OnSecond();
            World.MiddlesChanged();
        });
        Clients.Begin();
        Plan.Begin();
    }
}

/// <summary>What came of a run.</summary>
public sealed record Outcome(
    Options Options, TimeSpan Simulated, TimeSpan Wall, long Turns, string Digest, int Accepted, int Refused,
    int Unavailable, IReadOnlyDictionary<string, int> Faults, TimeSpan SlowestSettling, IReadOnlyList<string> Violations,
    string? Exception);
