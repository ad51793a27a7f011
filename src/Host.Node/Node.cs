using System.Globalization;
using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Engine;
using Orchestrator.Telemetry;

namespace Orchestrator.Host.Node;

/// <summary>Runs one process with the roles that its configuration names, until it is told to end.</summary>
internal static class Node
{
    public static string Version { get; } = typeof(Node).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    public static async Task<int> Run(NodeConfig config)
    {
        using var logs = LoggerFactory.Create(builder => Logs(builder, config));
        var log = logs.CreateLogger("Orchestrator.Node");
        try
        {
            var roles = config.Roles;
            new HostKeys(config.CredentialFiles).Recover();
            await using var watch = new CredentialWatch(
                config.CredentialFiles, config.CertificateRole, config.Time("tls.look-every"), TimeProvider.System,
                logs.CreateLogger("Orchestrator.Certificates"));
            if (roles.Contains("agent")) await RunAgent(config, watch.Live);
            else if (roles.Contains("fleet")) await RunFleet(config, watch.Live, logs);
            else if (roles.Contains("engine")) await EngineNode.Run(config, watch.Live, logs);
            else throw new UsageException($"orchestrator.roles names none of engine, api, agent, fleet: [{string.Join(", ", roles)}]");
            return 0;
        }
        catch (Exception e) when (e is UsageException or StoreRefusedException or AuthenticationException or IOException
            or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            NodeLog.CannotRun(log, config.Name, e.Message);
            return 1;
        }
    }

    public static void Logs(ILoggingBuilder builder, NodeConfig config) => Form(builder, config)
        .SetMinimumLevel(config.Text("log.level") switch
        {
            "debug" => LogLevel.Debug,
            "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            _ => LogLevel.Information,
        })
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddFilter("System.Net.Http", LogLevel.Warning);

    private static ILoggingBuilder Form(ILoggingBuilder builder, NodeConfig config)
    {
        if (config.Text("log.file") is { Length: > 0 } file)
            builder.AddProvider(new LogFiles(
                file, (long)Math.Max(1, config.Number("log.file-mebibytes")) << 20, config.Number("log.files"),
                config.Text("log.format") == "json" ? new JsonLines(config.Name) : null));
        if (config.Text("log.format") == "json")
        {
            builder.Services.AddSingleton<ConsoleFormatter>(new JsonLines(config.Name));
            return builder.AddConsole(console => console.FormatterName = JsonLines.FormatterName);
        }

        return builder.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
    }

    private static async Task RunAgent(NodeConfig config, LiveCredentials credentials)
    {
        await using var app = AgentServer.Build(
            new AgentConfig
            {
                Credentials = credentials,
                CredentialFiles = config.CredentialFiles,
                Listen = new IPEndPoint(IPAddress.Parse(config.Text("agent.address")), config.Number("agent.port")),
                Images = new IPEndPoint(IPAddress.Parse(config.Text("agent.address")), config.Number("agent.images-port")),
                StateFolder = config.Text("agent.state-folder"),
                RunFolder = config.Text("agent.run-folder"),
                Heartbeat = config.Time("agent.heartbeat"),
                IncomingTimeout = config.Time("agent.incoming-timeout"),
                Lease = config.Time("agent.lease"),
                Watchdog = config.Text("agent.watchdog"),
                WatchdogTimeout = config.Time("agent.watchdog-timeout"),
                BodyLimitBytes = config.Number("agent.body-limit-bytes"),
                FenceFolder = config.Text("agent.fence-folder"),
                LibvirtUri = config.Text("agent.libvirt-uri"),
                MigrationAddress = config.Text("agent.migration-address"),
                Accelerator = config.Text("agent.accelerator"),
                AcceleratorProbe = config.Text("agent.accelerator-probe"),
                UpAfter = config.Time("agent.up-after"),
                MigrationLook = config.Time("agent.migration-look"),
                HooksFolder = config.Text("agent.hooks-folder"),
                HookLimit = config.Time("agent.hook-limit"),
                StorageFolder = config.Text("agent.storage-folder"),
                StorageLimit = config.Time("agent.storage-limit"),
                ConsoleLogFolder = config.Text("agent.console-log-folder"),
                SeedFolder = config.Text("agent.seed-folder"),
                SwtpmFolder = config.Text("agent.swtpm-folder"),
                VncListen = config.Text("agent.vnc-listen"),
            },
            builder => Logs(builder, config));
        await using var telemetry = await NodeTelemetry.Start(config, "orchestrator-agent");
        telemetry.Map(app);
        await AgentServer.Run(app);
    }

    private static async Task RunFleet(NodeConfig config, LiveCredentials credentials, ILoggerFactory logs)
    {
        await using var fleet = SimulatedFleet.Build(new FleetConfig
        {
            Credentials = credentials,
            Hosts = config.Number("fleet.hosts"),
            Listen = new IPEndPoint(IPAddress.Parse(config.Text("fleet.address")), config.Number("fleet.port")),
            ControlPort = config.Number("fleet.control-port"),
            Heartbeat = config.Time("fleet.heartbeat"),
            Seed = config.Number("fleet.seed"),
            Profile = new SimulatedProfile
            {
                Cpus = config.Number("fleet.cpus"),
                MemoryBytes = config.Hocon.GetLong("orchestrator.fleet.memory-bytes"),
                LaunchTime = config.Time("fleet.launch-time"),
                BootTime = config.Time("fleet.boot-time"),
                ShutdownTime = config.Time("fleet.shutdown-time"),
                PowerOffTime = config.Time("fleet.power-off-time"),
                MigrationTime = config.Time("fleet.migration-time"),
                HostBootTime = config.Time("fleet.host-boot-time"),
                Spread = config.Hocon.GetDouble("orchestrator.fleet.spread"),
                LaunchFailures = config.Hocon.GetDouble("orchestrator.fleet.launch-failures"),
            },
        });
        await using var telemetry = await NodeTelemetry.Start(config, "orchestrator-fleet");
        await fleet.Start();
        NodeLog.FleetReady(logs.CreateLogger("Orchestrator.Fleet"), config.Number("fleet.hosts"), fleet.Control);
        await Ended();
    }

    /// <summary>Completes at SIGTERM or SIGINT.</summary>
    public static async Task Ended()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void End(System.Runtime.InteropServices.PosixSignalContext context)
        {
            context.Cancel = true;
            ended.TrySetResult();
        }

        using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGTERM, End);
        using var interrupt = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGINT, End);
        await ended.Task;
    }
}

/// <summary>The log lines of a node: 1001 and up.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(1001, LogLevel.Critical, "node {Name}: cannot run: {Why}")]
    public static partial void CannotRun(ILogger log, string name, string why);

    [LoggerMessage(1002, LogLevel.Information, "fleet: {Hosts} simulated hosts are on, control at {Control}")]
    public static partial void FleetReady(ILogger log, int hosts, Uri control);

    [LoggerMessage(1003, LogLevel.Information, "node {Name}: up, REST at https://{Address}:{Port}/ovirt-engine/api")]
    public static partial void Up(ILogger log, string name, string address, int port);

    [LoggerMessage(1004, LogLevel.Information, "node {Name}: leaving the cluster, its shards go to the others")]
    public static partial void Leaving(ILogger log, string name);

    [LoggerMessage(1005, LogLevel.Information, "node {Name}: ended")]
    public static partial void EndedNow(ILogger log, string name);

    [LoggerMessage(1006, LogLevel.Warning, "node {Name}: the database does not answer yet ({Why}); trying again")]
    public static partial void DatabaseAway(ILogger log, string name, string why);
}
