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
    public static Entities Start(
        ActorSystem system, NodeConfig config, IReadModel read, IDevicePasswords passwords, ILoggerFactory logs,
        DebtBook debts)
    {
        var clock = TimeProvider.System;
        var shell = new ShellSettings(
            config.Time("entities.tick-every"), config.Time("entities.passivate-after"),
            context => Ownership.Of(context)?.Epoch ?? 0)
        {
            Debts = debts,
        };
        var regions = new Dictionary<string, IActorRef>(StringComparer.Ordinal);
        var later = new Later();
        var membership = NodeMembership.Of(system);
        var agents = new AgentTransport(config.Credentials);
        var world = new HostWorld(
            host => new AgentClient(agents, host), later, read, passwords,
            new HostSettings(
                config.Time("hosts.silent-after"), config.Time("hosts.reconnect-every"),
                config.Time("hosts.fence-patience")),
            new FenceProgram(), clock, () => membership.MayAct, logs.CreateLogger<HostWorld>());

        var sharding = ClusterSharding.Get(system);
        var settings = ClusterShardingSettings.Create(system);
        var extractor = HashCodeMessageExtractor.Create(
            config.Number("entities.shards"),
            message => (message as ShardingEnvelope)?.EntityId,
            message => message is ShardingEnvelope envelope ? envelope.Message : message);

        void Region(string kind, Func<Guid, Props> props) =>
            regions[kind] = sharding.Start(kind, id => props(Guid.Parse(id)), settings, extractor);

        Region(Kinds.DataCenter, id => DataCenterActor.Props(
            id, () => new NoHands<DataCenterState, DataCenterEffect>(), shell));
        Region(Kinds.Cluster, id => ClusterActor.Props(id, () => new ClusterHands(later, clock), shell));
        Region(Kinds.Host, id => HostActor.Props(id, () => new HostHands(new HostId(id), world), shell));
        Region(Kinds.Vm, id => VmActor.Props(id, () => new VmHands(new VmId(id), later, clock), shell));
        Region(Kinds.StorageDomain, id => StorageDomainActor.Props(
            id, () => new StorageDomainHands(new StorageDomainId(id), later), shell));
        Region(Kinds.Disk, id => DiskActor.Props(id, () => new DiskHands(new DiskId(id), later, read), shell));
        Region(Kinds.Template, id => TemplateActor.Props(
            id, () => new TemplateHands(new TemplateId(id), later, read, clock), shell));

        var writer = GroupWriter.Of(system);
        var entities = new Entities(
            regions,
            new EntitiesSettings(
                config.Time("entities.ask-again-after"), config.Time("entities.ask-again-at-most"),
                config.Time("entities.ask-patience"), config.Number("entities.max-waiting"),
                config.Time("entities.retry-after")),
            () => writer.Waiting, clock);
        ShardDirectory.Get(system).OwnerChanged += (_, _) => entities.OwnersChanged();
        return later.Entities = entities;
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
