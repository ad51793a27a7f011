using System.Net;
using System.Security.Authentication;
using Akka.Actor;
using Akka.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;
using Orchestrator.Api.ReadModel;
using Orchestrator.Api.Sso;
using Orchestrator.Engine;
using Cluster = Akka.Cluster.Cluster;

namespace Orchestrator.Host.Node;

/// <summary>The roles engine and api: a member of the cluster that carries entities and answers REST.</summary>
internal static class EngineNode
{
    public static async Task Run(NodeConfig config, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("Orchestrator.Node");
        var tokenKey = config.TokenKey;
        await using var store = Storage.Open(config, logs);
        await Prepare(store, config, log);
        var database = Storage.Documents(store);

        var system = EngineSystem.Create("orchestrator", Hocon(config), new EngineSetup
        {
            Store = store,
            Records = new Records(),
            Loggers = logs,
            Identity = new RemoteIdentity(config.Certificate, config.Authority)
            {
                IsNode = peer => PeerCertificate.Refuse(peer, config.Authority, PeerCertificate.EngineRole) is null,
            },
        });
        var read = new PostgresReadModel(
            database, config.Time("entities.ask-patience"), config.Number("entities.max-waiting"), TimeProvider.System);
        var secrets = new PostgresSecrets(database, tokenKey);
        Cluster.Get(system);
        var membership = NodeMembership.Of(system);
        var agents = new AgentTransport(config.Credentials);
        var entities = Sharding.Start(system, config, new Sharding.Surroundings(
            read, secrets, host => new AgentClient(agents, host), new FenceProgram(), TimeProvider.System, Guid.NewGuid,
            logs));
        var owners = new Owners(system);

        await using var app = Build(config, tokenKey, services => services
            .AddSingleton<IEntities>(entities)
            .AddSingleton<IReadModel>(read)
            .AddSingleton<Api.ISecrets>(secrets)
            .AddSingleton<IOwners>(owners)
            .AddSingleton(database)
            .AddSingleton<IUsers, PostgresUsers>()
            .AddSingleton<PostgresTokenRevocations>()
            .AddSingleton<ITokenRevocations>(s => s.GetRequiredService<PostgresTokenRevocations>())
            .AddHostedService(s => s.GetRequiredService<PostgresTokenRevocations>())
            .AddHostedService(_ => new OldJobs(read, TimeProvider.System)));
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
        NodeConfig config, byte[] tokenKey, Action<IServiceCollection> services)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Node.Logs(builder.Logging, config);
        builder.WebHost.UseKestrelHttpsConfiguration();
        var certificate = config.Certificate;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Parse(config.Text("api.address")), config.Number("api.port"), listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(certificate, https => https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13);
            });
        });
        services(builder.Services);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddApi(new ApiOptions
        {
            InstanceId = Guid.Parse(File.ReadAllText(config.Text("api.instance-id-file")).Trim()),
            TokenKey = tokenKey,
            CaCertificatePem = config.Authority.ExportCertificatePem(),
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
            DefaultAgentPort = config.Number("api.default-agent-port"),
        });
        var app = builder.Build();
        ApiServer.Map(app);
        return app;
    }
}
