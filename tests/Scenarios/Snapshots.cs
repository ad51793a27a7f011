using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Scenarios;

/// <summary>Snapshots of VMs, as a script has them taken, looked at and removed.</summary>
public sealed class Snapshots(Stage stage)
{
    private int _taken;

    public Task Take(string vm, string words) => stage.Ask(Kinds.Vm, stage.Cast.Vm(vm), words, o =>
        new VmCommand.TakeSnapshot(o, $"s{++_taken}", Places(View(vm), o)));

    public Task Order(string vm, string words, string what, string which)
    {
        var view = View(vm);
        var snapshot = which switch
        {
            "the first" => view.Snapshots[0].Id,
            "the last" => view.Snapshots[^1].Id,
            _ => Guid.Empty,
        };
        if (what != "remove") GoBack(view);
        return stage.Ask(Kinds.Vm, view.Id.Value, words, o => what == "remove"
            ? new VmCommand.RemoveSnapshot(o, snapshot, Host)
            : new VmCommand.PreviewSnapshot(o, snapshot, Places(view, o)) { Restores = what == "restore" });
    }

    public Task Decide(string vm, string words, Func<Origin, VmCommand> command)
    {
        GoBack(View(vm));
        return stage.Ask(Kinds.Vm, stage.Cast.Vm(vm), words, command);
    }

    /// <summary>What the lists show, and how many files the storage has of the VM's disks.</summary>
    public void Look(string vm)
    {
        var view = View(vm);
        var snapshots = view.Snapshots.IsEmpty
            ? "no snapshots"
            : string.Join(", ", view.Snapshots.Select(s => $"{s.Description} ({s.Status}{(s.Broken ? ", broken" : "")})"));
        var disks = stage.Simulation.Database.Read.Of(Kinds.Disk).Select(d => WireJson.Read<DiskView>(d.Document.Json))
            .Where(d => d.Vms.Contains(view.Id)).ToArray();
        stage.Say($"{vm} has {snapshots}; its disks are {string.Join(" and ", disks.Select(d => $"{d.Status} on {d.Below + 1} images"))}, "
            + $"and the storage has {stage.Simulation.World.Images.Count(p => disks.Any(d => p.Contains(d.Id.ToString(), StringComparison.Ordinal)))}");
    }

    private void GoBack(VmView view)
    {
        foreach (var disk in view.Config.Disks) stage.Simulation.World.ClientGoesBack(disk.Disk.Value);
    }

    private HostId Host => new(stage.Cast.HostId("host-1"));

    private ImmutableArray<SnapshotDisk> Places(VmView view, Origin origin) =>
        [.. view.Config.Disks.Select(d => new SnapshotDisk(d.Disk, Host, $"/data/{d.Disk}/{origin.Job}"))];

    private VmView View(string vm) => WireJson.Read<VmView>(stage.Simulation.Database.Read.Find(Kinds.Vm, stage.Cast.Vm(vm))!.Document.Json);
}
