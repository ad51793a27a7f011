using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Hooks;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Libvirt;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;
using Orchestrator.Agent.Survival;
using Orchestrator.Agent.Transfer;

namespace Orchestrator.Agent;

/// <summary>Puts a hypervisor host's agent together: libvirt, ledger on disk, HTTPS. Start it as any web application.</summary>
public static class AgentServer
{
    public static string Version { get; } =
        typeof(AgentServer).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <exception cref="InvalidDataException">The ledger is damaged: an agent that guesses could start a guest twice.</exception>
    /// <exception cref="IOException">Another agent holds the ledger, or the disk fails.</exception>
    public static WebApplication Build(AgentConfig config, Action<ILoggingBuilder>? logging = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        logging?.Invoke(builder.Logging);
        AgentListener.Listen(builder, config.Listen, config.Credentials, config.BodyLimitBytes);
        builder.Services.AddSingleton<LedgerAlarm>();
        builder.Services.AddSingleton(services => Assemble(
            config, services.GetRequiredService<LedgerAlarm>(), services.GetRequiredService<TicketBook>(), services.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddSingleton(services => new TicketBook(
            Path.Combine(config.RunFolder, "transfers"), config.Time, services.GetRequiredService<ILoggerFactory>().CreateLogger("Orchestrator.Agent")));
        if (config.Images is { } images)
            builder.Services.AddHostedService(services => new ImageServer(
                images, config.Credentials, services.GetRequiredService<TicketBook>(), services.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddHostedService<Opening>();

        var app = builder.Build();
        var agent = app.Services.GetRequiredService<HostAgent>();
        AgentMeters.Watch(agent);
        app.UseWebSockets();
        new AgentRoutes(
                new OpenDoor(agent), new FenceProgram(config.FenceFolder), config.Heartbeat, config.Time, app.Services.GetRequiredService<TicketBook>())
            .Map(app.MapGroup("/v1"));
        new ConsoleRoutes(new OpenDoor(agent), app.Lifetime.ApplicationStopping).Map(app.MapGroup("/v1"));
        if (config.CredentialFiles is { } files) new CertificateRoutes(new OpenDoor(agent), new HostKeys(files)).Map(app.MapGroup("/v1"));
        app.Lifetime.ApplicationStopping.Register(agent.EndStream);
        _ = EndWhenBroken(app);
        return app;
    }

    /// <summary>Runs the agent until it is asked to stop.</summary>
    /// <exception cref="IOException">Its ledger could not be written: it must be started anew.</exception>
    public static async Task Run(WebApplication app)
    {
        await app.RunAsync();
        if (app.Services.GetRequiredService<LedgerAlarm>().Rung is { IsCompletedSuccessfully: true, Result: var why })
            throw new IOException($"the agent ended because its ledger could not be written: {why.Message}", why);
    }

    private static async Task EndWhenBroken(WebApplication app)
    {
        var why = await app.Services.GetRequiredService<LedgerAlarm>().Rung.ConfigureAwait(false);
        app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Orchestrator.Agent").LogCritical(
            "the agent ends because its ledger could not be written: {Why}; guests run on, it must be started anew", why.Message);
        app.Lifetime.StopApplication();
    }

    private static HostAgent Assemble(AgentConfig config, LedgerAlarm alarm, TicketBook tickets, ILoggerFactory logs)
    {
        var log = logs.CreateLogger("Orchestrator.Agent");
        var boot = BootIdentity.TakeUp(config.RunFolder, NewBoot);
        var about = new AgentDescription("", boot.BootId, Version, AgentDescription.CurrentProtocol)
        {
            Driver = "libvirt",
            Accelerator = "",
        };
        var guard = new HostGuard(
            boot.BootId, config.Lease, new FolderLeases(),
            config.Watchdog.Length > 0 && Path.Exists(config.Watchdog)
                ? new WatchdogDevice(config.Watchdog, config.WatchdogTimeout)
                : null,
            new RunMemory(config.RunFolder, NewBoot), config.Time, log);
        try
        {
            var hooks = config.HooksFolder.Length > 0 ? new HookFolder(config.HooksFolder, config.HookLimit, log) : null;
            var hypervisor = new LibvirtHypervisor(config, new HostSampling(), log, hooks);
            var mounts = new Mounts(config.StorageFolder, new MountProgram(config.StorageLimit), log, config.Time);
            var work = new PlacedImageWork(
                new TransferWork(tickets, new GuestImageWork(new QemuImages(accelerator: Accelerators.Choose(config)), hypervisor.Images)), mounts, config.StorageLimit, StorageKeeper.Patience);
            var jobs = new ImageJobs(File("jobs"), work, log);
            tickets.Remember(jobs.Orders());
            return new HostAgent(
                about, boot,
                new LeaseLedger(File("leases")),
                hooks is null ? hypervisor : new HookedHypervisor(hypervisor, hooks),
                jobs,
                config.IncomingTimeout, config.Time, log, guard, new DomainWatch(new FolderProbe(), config.Time))
            {
                Storage = new StorageKeeper(
                    mounts, new PlaceProbe(config.Time), Path.Combine(config.StateFolder, "storage.json"), config.Time, log)
                {
                    Finds = work.Look,
                },
            };
        }
        catch
        {
            guard.Linger(config.Lease / 5);
            throw;
        }

        static string NewBoot() => Guid.NewGuid().ToString();

        AlarmedLog File(string name) => new(new AppendFile(Path.Combine(config.StateFolder, name)), alarm);
    }

    /// <summary>Looks for libvirt for as long as it takes; until then orders are answered with not-ready.</summary>
    private sealed class Opening(HostAgent agent) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => agent.Open(stoppingToken);
    }
}
