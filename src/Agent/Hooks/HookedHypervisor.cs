using System.Collections.Concurrent;
using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Hooks;

/// <summary>A hypervisor at whose work an operator's scripts are run. That of a launch, which may change the domain's XML, the
/// driver runs itself (<see cref="HookPoint.BeforeVmStart"/>).</summary>
public sealed class HookedHypervisor(IHypervisor inner, HookFolder hooks) : IHypervisor
{
    public AgentDescription Describe(AgentDescription about) => inner.Describe(about);

    public ImmutableArray<NetworkAddress> Addresses => inner.Addresses;

    public IGuestImages Images => inner.Images;

    public IGuestConsoles Consoles => inner.Consoles;

    public Task FileSystems(GuestKey guest, FileSystemsAct act) => inner.FileSystems(guest, act);

    public Task Open(IGuestWatch watch, CancellationToken cancel) => inner.Open(new Watch(watch, hooks), cancel);

    public async Task Launch(GuestKey guest, VmDefinition definition)
    {
        await inner.Launch(guest, definition);
        await hooks.After(HookPoint.AfterVmStart, guest);
    }

    public Task Restore(GuestKey guest, VmDefinition definition, string memory) =>
        Between(HookPoint.BeforeVmDehibernate, () => inner.Restore(guest, definition, memory), HookPoint.AfterVmDehibernate, guest);

    public Task<bool> IsSaved(GuestKey guest, string memory) => inner.IsSaved(guest, memory);

    public Task Save(GuestKey guest, string memory) =>
        Between(HookPoint.BeforeVmHibernate, () => inner.Save(guest, memory), HookPoint.AfterVmHibernate, guest);

    public Task<GuestMachine> Reshape(GuestKey guest, VmDefinition definition) => inner.Reshape(guest, definition);

    public Task Stop(GuestKey guest, StopMode mode) => inner.Stop(guest, mode);

    public Task Pause(GuestKey guest) => Between(HookPoint.BeforeVmPause, () => inner.Pause(guest), HookPoint.AfterVmPause, guest);

    public Task Resume(GuestKey guest) => Between(HookPoint.BeforeVmCont, () => inner.Resume(guest), HookPoint.AfterVmCont, guest);

    public Task<bool> StorageWorks(GuestKey guest) => inner.StorageWorks(guest);

    public async Task PrepareIncoming(GuestKey guest, VmDefinition definition)
    {
        await hooks.Before(HookPoint.BeforeVmMigrateDestination, guest);
        await inner.PrepareIncoming(guest, definition);
    }

    public Task<bool> AbandonIncoming(GuestKey guest) => inner.AbandonIncoming(guest);

    public Task Migrate(GuestKey guest, MigrateOrder order) =>
        Between(HookPoint.BeforeVmMigrateSource, () => inner.Migrate(guest, order), HookPoint.AfterVmMigrateSource, guest);

    public Task CancelMigration(GuestKey guest) => inner.CancelMigration(guest);

    public HostStatistics Sample() => inner.Sample();

    public async Task<HostObservations> Observe() => await inner.Observe() with { Hooks = hooks.All() };

    public string? ConsoleLog(Guid vm, int lines) => inner.ConsoleLog(vm, lines);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async Task Between(HookPoint before, Func<Task> work, HookPoint after, GuestKey guest)
    {
        await hooks.Before(before, guest);
        await work();
        await hooks.After(after, guest);
    }

    /// <summary>Guests that have come or gone of themselves.</summary>
    private sealed class Watch(IGuestWatch told, HookFolder hooks) : IGuestWatch
    {
        private readonly ConcurrentDictionary<GuestKey, GuestState> _last = new();

        public void Changed(GuestReport guest)
        {
            var key = new GuestKey(guest.Vm, guest.Lease);
            var before = _last.TryGetValue(key, out var state) ? state : (GuestState?)null;
            if (guest.State == GuestState.Down) _last.TryRemove(key, out _);
            else _last[key] = guest.State;
            told.Changed(guest);
            if (guest.State == before) return;
            if (guest.State == GuestState.Down && guest.Exit is not (GuestExit.Migrated or GuestExit.Saved)) _ = hooks.After(HookPoint.AfterVmDestroy, key);
            else if (before == GuestState.Incoming && guest.State is GuestState.Up or GuestState.Paused)
                _ = hooks.After(HookPoint.AfterVmMigrateDestination, key);
        }

        public void Found(ImmutableArray<GuestReport> all)
        {
            foreach (var guest in all) _last[new GuestKey(guest.Vm, guest.Lease)] = guest.State;
            told.Found(all);
        }
    }
}
