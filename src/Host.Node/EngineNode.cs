using System.Net;
using Akka.Actor;
using Akka.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.ReadModel;
using Orchestrator.Api.Sso;
using Orchestrator.Engine;
using Cluster = Akka.Cluster.Cluster;

namespace Orchestrator.Host.Node;

/// <summary>The roles engine and api: a member of the cluster that carries entities and answers REST.</summary>
internal static class EngineNode
{
    public static async Task Run(NodeConfig config, LiveCredentials credentials, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("Orchestrator.Node");
        var tokenKey = config.TokenKey;
        var kdump = KdumpListener.Parse(config.Text("kdump.listen"));
        await using var store = Storage.Open(config, logs);
        await Prepare(store, config, log);
        var database = Storage.Documents(store);

        var system = EngineSystem.Create("orchestrator", Hocon(config), new EngineSetup
        {
            Store = store,
            Records = new Records(),
            Loggers = logs,
            Identity = new NodeIdentity(credentials, config.NameRule, logs.CreateLogger("Orchestrator.Certificates")),
        });
        var read = new PostgresReadModel(
            database, config.Time("entities.ask-patience"), config.Number("entities.max-waiting"), TimeProvider.System);
        var observations = new PostgresObservations(database);
        var secrets = new PostgresSecrets(database, tokenKey);
        var authority = new EngineAuthority(credentials, config.Text("tls.ca-key"), config.Time("hosts.certificate-life"));
        var tokens = new PostgresHostTokens(database);
        Cluster.Get(system);
        var membership = NodeMembership.Of(system);
        var staysBehind = StaysBehind(logs);
        using var agents = new AgentTransport(credentials);
        agents.StaysBehind += staysBehind;
        using var relays = NodePipes.Of(system) is { } pipes ? Relays(pipes, config, read, credentials, staysBehind) : null;
        var debts = new DebtBook();
        var entities = Sharding.Start(system, config, new Sharding.Surroundings(
            read, secrets, host => new AgentClient(agents, host), new FenceProgram(), TimeProvider.System, Guid.NewGuid,
            logs)
        {
            Debts = debts,
            Tickets = new TransferTickets(tokenKey),
            Observations = observations,
            SoftFence = SoftFence(config),
            Authority = authority,
            Installer = new SshInstaller(Installing(config), tokens, authority),
            Around = relays is null ? null : relays.To,
        });
        var owners = new Owners(system);
        var reach = new AgentReach(read, owners, host => new AgentClient(agents, host), agent => relays?.To(agent) ?? []);
        var watching = Watching.Start(system, config, entities, read, database, debts);

        await using var app = Build(config, credentials, tokenKey, services => services
            .AddSingleton<IEntities>(entities)
            .AddSingleton<IReadModel>(read)
            .AddSingleton<IObservations>(observations)
            .AddSingleton<Api.ISecrets>(secrets)
            .AddSingleton<IOwners>(owners)
            .AddSingleton<IHostAuthority>(authority)
            .AddSingleton<IHostTokens>(tokens)
            .AddSingleton<IConsoles>(new ConsoleWays(reach))
            .AddSingleton<IHostStorage>(new HostStorageWays(reach))
            .AddSingleton<IInsight>(watching.Insight)
            .AddSingleton(database)
            .AddSingleton<ICatalogue, PostgresCatalogue>()
            .AddSingleton<Api.IClientRecords, PostgresClientRecords>()
            .AddSingleton<IUsers, PostgresUsers>()
            .AddSingleton<PostgresTokenRevocations>()
            .AddSingleton<ITokenRevocations>(s => s.GetRequiredService<PostgresTokenRevocations>())
            .AddHostedService(s => s.GetRequiredService<PostgresTokenRevocations>())
            .AddHostedService(_ => new OldJobs(read, observations, TimeProvider.System))
            .AddKdump(kdump, entities, read, logs));
        await using var telemetry = await NodeTelemetry.Start(config, "orchestrator-engine");
        telemetry.Map(app);
        watching.Health.Map(app);
        using var images = new ImageProxy(read, new TransferTickets(tokenKey), credentials, TimeProvider.System);
        images.Map(app);
        await membership.Joined;
        await app.StartAsync();
        NodeLog.Up(log, config.Name, config.Text("api.address"), config.Number("api.port"));
        _ = FreshSystem.Ensure(entities, read, TimeProvider.System, CancellationToken.None);

        await Node.Ended();
        NodeLog.Leaving(log, config.Name);
        // REST answers until the last shard has its new home: no client sees this node go.
        await Cluster.Get(system).LeaveAsync();
        await app.StopAsync();
        await system.Terminate();
        NodeLog.EndedNow(log, config.Name);
    }

    private static IServiceCollection AddKdump(
        this IServiceCollection services, IPEndPoint? at, IEntities entities, IReadModel read, ILoggerFactory logs) => at is null
        ? services
        : services.AddHostedService(_ => new KdumpListener(
            at, new KdumpNews(entities, read, TimeProvider.System), TimeProvider.System, logs.CreateLogger("Orchestrator.Kdump")));

    private static InstallSettings Installing(NodeConfig config) => new(
        config.Text("hosts.install.package") is { Length: > 0 } package ? package : AppContext.BaseDirectory,
        config.Text("hosts.install.folder"),
        config.Text("hosts.install.engines") is { Length: > 0 } engines ? engines
            : $"https://{config.Text("cluster.address")}:{config.Number("api.port")}",
        config.Text("hosts.install.key-file") is { Length: > 0 } key ? key : config.Text("fencing.ssh.key-file"),
        [.. config.Hocon.GetStringList("orchestrator.hosts.install.join-options")], config.Time("hosts.install.limit"));

    private static SshSoftFence? SoftFence(NodeConfig config) =>
        config.Is("fencing.ssh.enabled") && config.Text("fencing.ssh.key-file") is { Length: > 0 } key
            ? new SshSoftFence(new SshSettings(
                config.Text("fencing.ssh.user"), config.Number("fencing.ssh.port"), key, config.Text("fencing.ssh.known-hosts"),
                config.Text("fencing.ssh.command"), config.Time("fencing.ssh.timeout")))
            : null;

    /// <summary>An agent that keeps its old certificate is told of once a minute.</summary>
    private static Action<Uri, string> StaysBehind(ILoggerFactory logs)
    {
        var lines = new LinePerMinute(TimeProvider.System);
        var log = logs.CreateLogger("Orchestrator.Certificates");
        return (agent, why) =>
        {
            if (lines.Take(agent.AbsoluteUri, out var held))
                CertificateLog.AgentStaysBehind(log, agent, why, LinePerMinute.More(held));
        };
    }

    /// <summary>The ways to agents through other nodes, and the door for theirs through this one.</summary>
    private static AgentRelays Relays(
        NodePipes pipes, NodeConfig config, IReadModel read, LiveCredentials credentials, Action<Uri, string> staysBehind)
    {
        (pipes.Limit, pipes.Idle) = (config.Number("hosts.relay.limit"), config.Time("hosts.relay.idle"));
        pipes.Door = new AgentDoor(read, TimeProvider.System).Open;
        return new AgentRelays(pipes, credentials, staysBehind);
    }

    private static async Task Prepare(IEngineStore store, NodeConfig config, ILogger log)
    {
        while (true)
        {
            try
            {
                await store.PrepareAsync(config.ClusterId, CancellationToken.None);
                return;
            }
            catch (StoreUnavailableException e)
            {
                NodeLog.DatabaseAway(log, config.Name, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        }
    }

    /// <summary>Akka's own keys follow from ours, so that an operator finds each thing in one place.</summary>
    internal static Config Hocon(NodeConfig config)
    {
        return ConfigurationFactory.ParseString($$"""
            {{WireNames.Bindings}}
            akka {
              loglevel = "{{config.Text("log.level").ToUpperInvariant()}}"
              # A late answer to a question that was asked again is no incident.
              log-dead-letters = off
              remote.dot-netty.tcp {
                hostname = "{{config.Text("cluster.address")}}"
                port = {{config.Number("cluster.port")}}
              }
              cluster {
                roles = ["engine"]
                app-version = "{{Node.Version}}+{{Environment.ProcessId}}"
                sharding.passivate-idle-entity-after = off
              }
            }
            orchestrator.cluster.id = "{{config.ClusterId}}"
            """).WithFallback(config.Hocon);
    }

    private static WebApplication Build(
        NodeConfig config, LiveCredentials credentials, byte[] tokenKey, Action<IServiceCollection> services)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Node.Logs(builder.Logging, config);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Parse(config.Text("api.address")), config.Number("api.port"), listen =>
            {
                // oVirt speaks HTTP/1.1 alone, and clients rely on it: libsoup (libgovirt, virt-viewer) breaks the protocol
                // when it asks anew with a password over HTTP/2.
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = _ => ValueTask.FromResult(credentials.ForAnybody()),
                });
            });
        });
        services(builder.Services);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddApi(new ApiOptions
        {
            InstanceId = Guid.Parse(File.ReadAllText(config.Text("api.instance-id-file")).Trim()),
            TokenKey = tokenKey,
            CaCertificates = () => string.Join(
                '\n', credentials.Current.Authorities.Select(authority => authority.ExportCertificatePem())),
            ProxiesImages = true,
            ProductName = config.Text("api.product-name"),
            Vendor = config.Text("api.vendor"),
            TokenLife = config.Time("api.token-life"),
            BasicCacheLife = config.Time("api.basic-cache-life"),
            MaxFailures = config.Number("api.max-failures"),
            LockOut = config.Time("api.lock-out"),
            MaxBodyBytes = config.Number("api.max-body-bytes"),
            MaxDepth = config.Number("api.max-depth"),
            RequestLimit = config.Time("api.request-limit"),
            RetryAfter = config.Time("api.retry-after"),
            MaxFollowed = config.Number("api.max-followed"),
            DefaultCluster = config.Text("api.default-cluster"),
            DefaultBridge = config.Text("api.default-bridge"),
            StorageFolder = config.Text("api.storage-folder"),
            CustomProperties = CustomPropertiesOf(config.Text("api.custom-properties")),
            DefaultAgentPort = config.Number("api.default-agent-port"),
        });
        var app = builder.Build();
        ApiServer.Map(app);
        return app;
    }

    private static CustomProperties CustomPropertiesOf(string text)
    {
        try
        {
            return CustomProperties.Of(text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        }
        catch (FormatException e)
        {
            throw new UsageException($"orchestrator.api.custom-properties: {e.Message}");
        }
    }
}
