using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Npgsql;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Engine;
using Orchestrator.Tests.Engine;
using Orchestrator.Engine.Postgres;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster.Takeover;

/// <summary>
/// A member of the cluster that carries no shards: it asks VM entities themselves, as the API of a node does, without
/// the cost of REST. What it measures is the way to an entity and the entity's own answer.
/// </summary>
public sealed class AskingMember : IAsyncDisposable
{
    private readonly PostgresEngineStore _store;
    private readonly ActorSystem _system;
    private readonly Entities _entities;
    private readonly ShardDirectory _directory;

    private AskingMember(PostgresEngineStore store, ActorSystem system)
    {
        _store = store;
        _system = system;
        var extractor = new EntityShards(30);
        var region = ClusterSharding.Get(system).StartProxy(Kinds.Vm, null, extractor);
        _directory = ShardDirectory.Get(system);
        _entities = new Entities(
            new Dictionary<string, IActorRef> { [Kinds.Vm] = region },
            new EntitiesSettings(
                TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(25), 5000, TimeSpan.FromSeconds(5)),
            () => 0, TimeProvider.System, (_, id) => extractor.ShardId(id.ToString()));
        _directory.MayBeLost += shard => _entities.MayBeLost(shard.Type, shard.Shard);
    }

    public static async Task<AskingMember> Join(TestCluster cluster)
    {
        var pki = Path.Combine(cluster.Folder, "pki");
        var address = cluster.Options.Namespaces ? NetworkLab.BridgeAddress : "127.0.0.1";
        var files = await NodeExecutable.MakeCertificate(pki, "asker", "engine", address);
        var authority = X509CertificateLoader.LoadCertificateFromFile(files.Ca);
        using var bare = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
        var certificate = X509CertificateLoader.LoadPkcs12(bare.Export(X509ContentType.Pfx), null);
        var hocon = ConfigurationFactory.ParseString($$"""
            {{WireNames.Bindings}}
            akka {
              loglevel = WARNING
              log-dead-letters = off
              remote.dot-netty.tcp { hostname = "{{address}}", port = {{Ports.Free()}} }
              cluster.roles = ["asker"]
            }
            orchestrator.cluster.id = "{{cluster.Nodes[0].Config.ClusterId}}"
            """);
        var store = new PostgresEngineStore(new PostgresSettings(cluster.Postgres.ConnectionString)
        {
            Migrations = await StepsOfTheNodes(cluster),
        });
        var system = EngineSystem.Create("orchestrator", hocon, new EngineSetup
        {
            Store = store,
            Identity = new FixedIdentity(certificate, authority),
        });
        var member = new AskingMember(store, system);
        await NodeMembership.Of(system).Joined.WaitAsync(TimeSpan.FromSeconds(30));
        return member;
    }

    /// <summary>The nodes have done these steps; who does not know them is refused as older.</summary>
    private static async Task<ImmutableArray<Migration>> StepsOfTheNodes(TestCluster cluster)
    {
        var steps = ImmutableArray.CreateBuilder<Migration>();
        await using var connection = await cluster.Postgres.Open();
        await using var command = new NpgsqlCommand(
            "SELECT number, name FROM cluster.migrations WHERE number BETWEEN 100 AND 299", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) steps.Add(new Migration(reader.GetInt32(0), reader.GetString(1), ""));
        return steps.ToImmutable();
    }

    /// <summary>Whether the node owns the entity, as far as this member's view goes.</summary>
    public bool IsAt(Guid vm, NodeProcess node) =>
        _directory.Find(Kinds.Vm, vm.ToString())?.Owner is { } owner
        && owner.Host == node.Config.Address && owner.Port == node.Config.ClusterPort;

    /// <summary>Asks the entity for itself and answers how long that took.</summary>
    /// <exception cref="InvalidOperationException">It says that it does not exist, or cannot be read.</exception>
    public async Task<TimeSpan> Look(Guid vm)
    {
        var clock = Stopwatch.StartNew();
        var reply = await _entities.Ask(Kinds.Vm, vm, new Look(), CancellationToken.None);
        return reply is Reply.AlreadyDone ? clock.Elapsed : throw new InvalidOperationException($"vm {vm}: {reply}");
    }

    /// <summary>Asks all at once, and answers the times in order.</summary>
    public async Task<IReadOnlyList<TimeSpan>> LookAtAll(IEnumerable<Guid> vms) =>
        [.. (await Task.WhenAll(vms.Select(Look))).Order()];

    /// <summary>Asks all, few at a time.</summary>
    public async Task LookAtAll(IReadOnlyList<Guid> vms, int atOnce) =>
        await Parallel.ForEachAsync(
            vms, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (vm, _) => await Look(vm));

    public async ValueTask DisposeAsync()
    {
        await _system.Terminate();
        await _store.DisposeAsync();
    }
}
