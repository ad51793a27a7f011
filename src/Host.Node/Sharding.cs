using Akka.Actor;
using Akka.Cluster.Sharding;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Actors.Watching;
using Orchestrator.Agent.Protocol;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node;

/// <summary>Starts the shard regions of all kinds of entities and gives each entity its hands.</summary>
internal static class Sharding
{
    /// <param name="replace">Takes the props of each entity and answers those to use; null: as they are.</param>
    public static Entities Start(
        ActorSystem system, NodeConfig config, Surroundings around, Func<string, Guid, Props, Props>? replace = null)
    {
        var (clock, read, logs) = (around.Clock, around.Read, around.Logs);
        var membership = NodeMembership.Of(system);
        var whereabouts = new Whereabouts(read, clock);
        var shell = new ShellSettings(
            config.Time("entities.tick-every"), config.Time("entities.passivate-after"),
            config.Number("entities.copy-every"), context => Ownership.Of(context)?.Epoch ?? 0)
        {
            Doze = static () => new Doze(PoisonPill.Instance),
            Debts = around.Debts,
            RecordedAt = Recovered.LastAt,
            Restoration = () => membership.View.Restoration,
            Clock = clock,
        };
        var regions = new Dictionary<string, IActorRef>(StringComparer.Ordinal);
        var later = new Later();
        var rules = new WayRules(config.Time("hosts.silent-after"));
        var world = new HostWorld(
            around.Around is { } others && config.Is("hosts.relay.enabled")
                ? agent => new AgentByWays(around.Agents(agent), () => others(agent), rules, clock)
                : around.Agents,
            later, read, around.Passwords,
            new HostSettings(
                config.Time("hosts.silent-after"), config.Time("hosts.reconnect-every"),
                config.Time("hosts.fence-patience"))
            {
                StoragePatience = config.Time("hosts.storage-patience"),
                AnswerPatience = config.Time("hosts.answer-patience"),
                ObserveEvery = config.Time("hosts.observe-every"),
                CertificateEvery = config.Time("hosts.certificate-look-every"),
                KdumpPatience = config.Text("kdump.listen") == "" ? TimeSpan.Zero : config.Time("kdump.patience"),
                Quarantine = new QuarantineRule(
                    config.Number("hosts.quarantine-silences"), (int)config.Time("hosts.quarantine-within").TotalSeconds,
                    (int)config.Time("hosts.quarantine-first").TotalSeconds, (int)config.Time("hosts.quarantine-longest").TotalSeconds),
            },
            around.Fence, clock, () => membership.MayAct, logs.CreateLogger<HostWorld>())
        {
            NewId = around.NewId,
            Observations = around.Observations,
            SoftFence = around.SoftFence,
            Authority = around.Authority,
            Installer = around.Installer,
            Tickets = around.Tickets,
            EngineAge = new EngineAge(membership, clock).Of,
        };

        var sharding = ClusterSharding.Get(system);
        var settings = ClusterShardingSettings.Create(system);
        var extractor = new EntityShards(config.Number("entities.shards"));

        void Region(string kind, Func<Guid, Props> props) =>
            regions[kind] = sharding.Start(
                kind,
                replace is null
                    ? id => props(Guid.Parse(id))
                    : id => replace(kind, Guid.Parse(id), props(Guid.Parse(id))),
                settings, extractor);

        Region(Kinds.DataCenter, id => DataCenterActor.Props(
            id, () => new NoHands<DataCenterState, DataCenterEffect>(), shell));
        Region(Kinds.Cluster, id => ClusterActor.Props(id, () => new ClusterHands(new ClusterId(id), later, read, clock), shell));
        Region(Kinds.Host, id => HostActor.Props(id, () => new HostHands(new HostId(id), world), shell));
        Region(Kinds.Vm, id => VmActor.Props(id, () => new VmHands(new VmId(id), later, read, whereabouts, clock), shell));
        Region(Kinds.StorageDomain, id => StorageDomainActor.Props(
            id, () => new StorageDomainHands(new StorageDomainId(id), later, read, config.Time("hosts.storage-patience"), clock), shell));
        Region(Kinds.Disk, id => DiskActor.Props(id, () => new DiskHands(new DiskId(id), later, read, clock), shell));
        Region(Kinds.Template, id => TemplateActor.Props(
            id, () => new TemplateHands(new TemplateId(id), later, read, clock), shell));

        var writer = GroupWriter.Of(system);
        var entities = new Entities(
            regions,
            new EntitiesSettings(
                config.Time("entities.ask-again-after"), config.Time("entities.ask-again-at-most"),
                config.Time("entities.ask-patience"), config.Number("entities.max-waiting"),
                config.Time("entities.retry-after")),
            () => writer.Waiting, clock, (_, id) => extractor.ShardId(id.ToString()));
        ShardDirectory.Get(system).MayBeLost += shard => entities.MayBeLost(shard.Type, shard.Shard);
        return later.Entities = entities;
    }

    /// <summary>What entities reach outside their cluster, and by which clock they live.</summary>
    /// <param name="Agents">The line to the agent at an address.</param>
    /// <param name="Fence">Turns the power of hosts from this node.</param>
    /// <param name="NewId">Ids of the work that entities begin by themselves.</param>
    internal sealed record Surroundings(
        IReadModel Read, IDevicePasswords Passwords, Func<Uri, IAgent> Agents, IFenceDevices Fence, TimeProvider Clock,
        Func<Guid> NewId, ILoggerFactory Logs)
    {
        /// <summary>Where what hosts see is kept; null: they are not asked.</summary>
        public IObservations? Observations { get; init; }

        /// <summary>Where entities enter themselves while they wait for something; null: nowhere.</summary>
        public DebtBook? Debts { get; init; }

        public required TransferTickets Tickets { get; init; }

        /// <summary>Restarts agents; null: they are not.</summary>
        public ISoftFence? SoftFence { get; init; }

        /// <summary>Signs certificates of hosts; null: nobody does.</summary>
        public IHostAuthority? Authority { get; init; }

        /// <summary>Logs in to hosts; null: nobody does.</summary>
        public IHostInstaller? Installer { get; init; }

        /// <summary>The lines to an agent by way of other nodes; null: there are none.</summary>
        public Func<Uri, IEnumerable<AgentWay>>? Around { get; init; }
    }

    /// <summary>Hands are made before the regions that they speak to; they speak only after both are there.</summary>
    private sealed class Later : IEntities
    {
        private readonly TaskCompletionSource<Entities> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Entities Entities
        {
            get => _ready.Task.Result;
            set => _ready.SetResult(value);
        }

        public async Task<Reply> Ask(string kind, Guid id, object command, CancellationToken cancel) =>
            await (await _ready.Task.WaitAsync(cancel)).Ask(kind, id, command, cancel);

        public void Tell(string kind, Guid id, object command)
        {
            if (_ready.Task.IsCompletedSuccessfully) _ready.Task.Result.Tell(kind, id, command);
        }
    }
}
