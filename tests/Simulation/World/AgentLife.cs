using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Agent.Storage;
using Orchestrator.Agent.Survival;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// One agent process, from its start to its end by kill -9 or power cut. What it had accepted and not yet passed on to
/// the hypervisor dies with it. While it hangs it hears and does nothing; all that came meanwhile waits at its door.
/// </summary>
internal sealed class AgentLife : IHypervisor, IGuestWatch
{
    private readonly SimulatedHypervisor _hypervisor;
    private readonly Queue<Action> _atTheDoor = new();
    private IGuestWatch? _watch;

    public AgentLife(
        AgentDescription about, BootIdentity boot, IAppendLog ledger, IAppendLog jobs, SimulatedHypervisor hypervisor,
        IImageWork images, TimeSpan incomingTimeout, HostClock clock, ILogger log, HostGuard guard, WorldProbe storage)
    {
        _hypervisor = hypervisor;
        Clock = clock;
        Agent = new HostAgent(
            about, boot, new LeaseLedger(ledger), this, new ImageJobs(jobs, new GuestImageWork(images, Images), log), incomingTimeout, clock, log, guard,
            new DomainWatch(storage, clock))
        {
            Storage = new StorageKeeper(new Mounts("/var/lib/orchestrator/storage", Mounter, log, clock), storage, null, clock, log),
        };
    }

    /// <summary>Hears of a guest that starts anew where it is.</summary>
    public Action<GuestKey> Restarts { get; init; } = _ => { };

    public HostAgent Agent { get; }

    public SimulatedMounter Mounter { get; } = new();

    public IGuestImages Images => _hypervisor.Images;

    public HostClock Clock { get; }

    public bool Alive { get; private set; } = true;

    public bool Hangs { get; private set; }

    /// <summary>Now, or when the process goes on; never when it ends before.</summary>
    public void WhenItListens(Action act)
    {
        if (!Alive) return;
        if (Hangs) _atTheDoor.Enqueue(act);
        else act();
    }

    public void Hang()
    {
        if (!Alive) return;
        Hangs = true;
        Clock.Hold();
    }

    public void GoOn()
    {
        if (!Alive || !Hangs) return;
        Hangs = false;
        while (Alive && !Hangs && _atTheDoor.TryDequeue(out var act)) act();
        Clock.Release();
    }

    public void Kill()
    {
        if (!Alive) return;
        Alive = false;
        _atTheDoor.Clear();
        _watch = null;
        Clock.Hold();
        _ = Agent.DisposeAsync().AsTask();
    }

    // ---- between the agent and its hypervisor -------------------------------------------------------------------

    public AgentDescription Describe(AgentDescription about) => _hypervisor.Describe(about);

    public ImmutableArray<NetworkAddress> Addresses => _hypervisor.Addresses;

    public Task Open(IGuestWatch watch, CancellationToken cancel)
    {
        _watch = watch;
        return _hypervisor.Open(this, cancel);
    }

    public Task Launch(GuestKey guest, VmDefinition definition) => Pass(h => h.Launch(guest, definition));

    public Task Restore(GuestKey guest, VmDefinition definition, string memory) => Pass(h => h.Restore(guest, definition, memory));

    public Task<bool> IsSaved(GuestKey guest, string memory) =>
        Alive ? _hypervisor.IsSaved(guest, memory) : new TaskCompletionSource<bool>().Task;

    public Task Save(GuestKey guest, string memory) => Pass(h => h.Save(guest, memory));

    public Task<GuestMachine> Reshape(GuestKey guest, VmDefinition definition) =>
        Alive ? _hypervisor.Reshape(guest, definition) : new TaskCompletionSource<GuestMachine>().Task;

    public Task Stop(GuestKey guest, StopMode mode)
    {
        if (Alive && mode is StopMode.Reboot or StopMode.Reset) Restarts(guest);
        return Pass(h => h.Stop(guest, mode));
    }

    public Task Pause(GuestKey guest) => Pass(h => h.Pause(guest));

    public Task Resume(GuestKey guest) => Pass(h => h.Resume(guest));

    public Task<bool> StorageWorks(GuestKey guest) =>
        Alive ? _hypervisor.StorageWorks(guest) : new TaskCompletionSource<bool>().Task;

    public Task PrepareIncoming(GuestKey guest, VmDefinition definition) => Pass(h => h.PrepareIncoming(guest, definition));

    public Task<bool> AbandonIncoming(GuestKey guest) =>
        Alive ? _hypervisor.AbandonIncoming(guest) : new TaskCompletionSource<bool>().Task;

    public Task Migrate(GuestKey guest, MigrateOrder order) => Pass(h => h.Migrate(guest, order));

    public Task CancelMigration(GuestKey guest) => Pass(h => h.CancelMigration(guest));

    public HostStatistics Sample() => _hypervisor.Sample();

    public IGuestConsoles Consoles => _hypervisor.Consoles;

    public Task FileSystems(GuestKey guest, FileSystemsAct act) => _hypervisor.FileSystems(guest, act);

    public Task<HostObservations> Observe() => _hypervisor.Observe();

    public string? ConsoleLog(Guid vm, int lines) => _hypervisor.ConsoleLog(vm, lines);

    public ValueTask DisposeAsync() => _hypervisor.DisposeAsync();

    public void Changed(GuestReport told) => Hear(watch => watch.Changed(told));

    public void Found(ImmutableArray<GuestReport> all) => Hear(watch => watch.Found(all));

    /// <summary>A dead agent's order reaches nobody, and nobody waits for its answer.</summary>
    private Task Pass(Func<SimulatedHypervisor, Task> order) =>
        Alive ? order(_hypervisor) : new TaskCompletionSource().Task;

    private void Hear(Action<IGuestWatch> told) => WhenItListens(() =>
    {
        try
        {
            if (_watch is { } watch) told(watch);
        }
        catch (IOException)
        {
            // Its ledger is broken, and with that its end is near: see LedgerAlarm.
        }
    });
}
