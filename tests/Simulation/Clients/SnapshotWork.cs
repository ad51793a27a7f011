using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Simulation.Clients;

/// <summary>What clients ask of a VM's snapshots, chosen by chance among what its list shows.</summary>
public sealed class SnapshotWork(Simulation simulation, ApiClients clients, Random chance)
{
    /// <summary>More than these, and one is removed.</summary>
    private const int Many = 3;

    public async Task One(VmView vm, HostId host)
    {
        var name = vm.Config.Name;
        var ok = vm.Snapshots.Where(s => s.Status == "ok").ToArray();
        if (vm.Snapshots.Any(s => s.Status == "in_preview"))
        {
            if (vm.Status != "down") return;
            GoBack(vm);
            if (chance.NextDouble() < 0.5) await clients.Ask(Kinds.Vm, vm.Id.Value, $"undo the look of {name}", o => new VmCommand.UndoSnapshot(o));
            else await clients.Ask(Kinds.Vm, vm.Id.Value, $"commit the look of {name}", o => new VmCommand.CommitSnapshot(o));
        }
        else if (ok.Length > 0 && (ok.Length >= Many || chance.NextDouble() < 0.4))
            await clients.Ask(Kinds.Vm, vm.Id.Value, $"remove a snapshot of {name}", o =>
                new VmCommand.RemoveSnapshot(o, ok[(int)(ok.Length * (o.Job.Value.ToByteArray()[0] / 256d))].Id, host));
        else if (ok.Length > 0 && vm.Status == "down" && chance.NextDouble() < 0.5)
        {
            GoBack(vm);
            var restores = chance.NextDouble() < 0.3;
            var snapshot = ok[chance.Next(ok.Length)];
            await clients.Ask(Kinds.Vm, vm.Id.Value, $"{(restores ? "restore" : "look at")} a snapshot of {name}", o =>
                new VmCommand.PreviewSnapshot(o, snapshot.Id, Places(vm, snapshot.Disks, host, o)) { Restores = restores });
        }
        else
            await clients.Ask(Kinds.Vm, vm.Id.Value, $"take a snapshot of {name}", o =>
                new VmCommand.TakeSnapshot(o, $"at {o.At:T}", Places(vm, [.. vm.Config.Disks.Select(d => d.Disk)], host, o)));
    }

    private void GoBack(VmView vm)
    {
        foreach (var disk in vm.Config.Disks) simulation.World.ClientGoesBack(disk.Disk.Value);
    }

    private static ImmutableArray<SnapshotDisk> Places(VmView vm, ImmutableArray<DiskId> disks, HostId host, Origin origin) =>
    [
        .. disks.Where(d => vm.Config.Disks.Any(a => a.Disk == d)).Select(d => new SnapshotDisk(d, host, $"/data/snapshots/{d}/{origin.Job}")),
    ];
}
