using System.Net;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Orchestrator.Host.Node;
using Orchestrator.Tests.Simulation.Machine;
using Cluster = Akka.Cluster.Cluster;
using Props = Akka.Actor.Props;

namespace Orchestrator.Tests.Simulation.Installation;

/// <summary>What a node is composed from besides its own process.</summary>
public sealed record NodeParts(
    SimulatedThread Thread, SimulatedDatabase Database, MemoryNetwork Network, Func<string, Uri, IAgent> Agents,
    Func<string, IFenceDevices> Fence, Config Overrides, Random Chance, Timeline Timeline, bool Verbose)
{
    /// <summary>The world learns that a node's connections are closed.</summary>
    public required Action<string> Closed { get; init; }

    public Func<string, Guid, Props, Props>? Replace { get; init; }

    /// <summary>By node: the ways to an agent by way of the others; null: there are none.</summary>
    public Func<string, Uri, IEnumerable<AgentWay>>? Around { get; init; }

    /// <summary>By node; null: agents are not restarted over SSH.</summary>
    public Func<string, ISoftFence>? SoftFence { get; init; }

    /// <summary>By node: who logs in to hosts.</summary>
    public Func<string, IHostInstaller>? Installer { get; init; }

    public IHostAuthority? Authority { get; init; }
}

/// <summary>One engine node: a process at a time, composed by the code that composes it in production.</summary>
public sealed class SimulatedNode
{
    public const int Port = 8550;
    private readonly NodeParts _parts;
    private readonly NodeConfig _config;
    private readonly Config _hocon;

    public SimulatedNode(int number, NodeParts parts)
    {
        (Number, _parts) = (number, parts);
        _config = NodeConfig.Over(ConfigurationFactory.ParseString($$"""
            orchestrator.name = "{{Name}}"
            orchestrator.cluster.id = "simulated"
            orchestrator.cluster.address = "{{Name}}"
            orchestrator.cluster.port = {{Port}}
            orchestrator.log.level = "{{(parts.Verbose ? "info" : "warning")}}"
            """).WithFallback(parts.Overrides));
        _hocon = ConfigurationFactory.ParseString("akka.cluster.app-version = \"simulated\"")
            .WithFallback(EngineNode.Hocon(_config));
    }

    public int Number { get; }

    public string Name => $"node-{Number}";

    public int Lives { get; private set; }

    /// <summary>Null while the node is down.</summary>
    public SimulatedProcess? Process { get; private set; }

    internal LocalSystem? System { get; private set; }

    public SimulatedStore? Store { get; private set; }

    public NodeMembership? Membership { get; private set; }

    /// <summary>What REST handlers of this node ask; null until it is composed.</summary>
    public IEntities? Entities { get; private set; }

    /// <summary>Hears the crash kernel at an address; null until it is composed.</summary>
    public Func<IPAddress, Task>? News { get; private set; }

    public bool IsLeaving { get; private set; }

    public bool IsUp => Process is { State: ProcessState.Running };

    /// <summary>How far its wall clock is ahead; outlives its processes, as a machine's clock does.</summary>
    public TimeSpan ClockAhead { get; private set; }

    /// <summary>Where an entity with this id belongs, by the configuration of all nodes.</summary>
    public string ShardOf(Guid entity) => new EntityShards(_config.Number("entities.shards")).ShardId(entity.ToString());

    public void Start()
    {
        if (Process is not null) return;
        Lives++;
        // What the machine's former life left open is closed by its new kernel, at the latest now.
        _parts.Closed(Name);
        var process = new SimulatedProcess(_parts.Thread, Name);
        process.Clock.Ahead = ClockAhead;
        Process = process;
        Store = new SimulatedStore(_parts.Database, process);
        IsLeaving = false;
        process.Schedule(() => Compose(process, Store));
    }

    /// <summary>The process dies without a word.</summary>
    /// <param name="kernelLives">True: its kernel closes its connections. False: the machine lost its power, and the
    /// others learn of it by their own patience.</param>
    public void Kill(bool kernelLives)
    {
        if (Process is not { } process) return;
        process.Kill();
        _parts.Network.Vanish(Name, Port, kernelLives);
        var store = Store!;
        // PostgreSQL notices a dead machine by its own keepalive; by then the lease has long decided.
        _parts.Database.After(
            kernelLives ? _parts.Database.Faults.OneWay() : TimeSpan.FromSeconds(30), () => store.Close());
        if (kernelLives) _parts.Closed(Name);
        Forget();
    }

    /// <summary>As SIGTERM: hands everything over, then ends.</summary>
    public void Leave()
    {
        if (Process is not { } process || System is not { } system || IsLeaving) return;
        IsLeaving = true;
        process.Schedule(() => _ = LeaveAsync(process, system, Store!));
    }

    public void JumpClock(TimeSpan by)
    {
        ClockAhead += by;
        if (Process is { } process) process.Clock.Ahead = ClockAhead;
    }

    private async Task LeaveAsync(SimulatedProcess process, LocalSystem system, SimulatedStore store)
    {
        await Cluster.Get(system).LeaveAsync();
        await system.Terminate();
        store.Close();
        process.Kill();
        if (Process != process) return;
        _parts.Closed(Name);
        _parts.Timeline.Note($"{Name} has left and ended");
        Forget();
    }

    private void Forget() =>
        (Process, System, Store, Membership, Entities, News, IsLeaving) = (null, null, null, null, null, null, false);

    private void Compose(SimulatedProcess process, SimulatedStore store)
    {
        var logs = new NodeLogs(Name, _parts.Timeline, _parts.Verbose);
        var chance = new Random(_parts.Chance.Next());
        var system = EngineSystem.Create("orchestrator", _hocon, new EngineSetup
        {
            Store = store,
            Network = _parts.Network,
            Clock = process.Clock,
            Records = new Records(),
            Dispatcher = process,
            Loggers = logs,
            Random = chance,
        });
        Cluster.Get(system);
        var read = new NodeReadModel(
            store, _parts.Database.Read, process.Clock, _config.Time("entities.ask-patience"));
        var local = (LocalSystem)system;
        Membership = NodeMembership.Of(system);
        Entities = Sharding.Start(
            system, _config,
            new Sharding.Surroundings(
                read, read, address => _parts.Agents(Name, address), _parts.Fence(Name), process.Clock, local.NextGuid,
                logs)
            {
                Tickets = new TransferTickets([1]),
                SoftFence = _parts.SoftFence?.Invoke(Name),
                Installer = _parts.Installer?.Invoke(Name),
                Authority = _parts.Authority,
                Around = _parts.Around is { } around ? address => around(Name, address) : null,
            },
            _parts.Replace);
        News = from => HearKdump(new KdumpNews(Entities, read, process.Clock), from);
        System = local;
    }

    private static async Task HearKdump(KdumpNews news, IPAddress from)
    {
        try
        {
            await news.Heard(from, CancellationToken.None);
        }
        catch (EntityUnavailableException)
        {
            // It speaks again.
        }
    }
}
