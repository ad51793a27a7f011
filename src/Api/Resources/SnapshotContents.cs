using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>What a VM had at a snapshot: vms/{id}/snapshots/{id}/disks, nics, cdroms.</summary>
internal static class SnapshotContents
{
    public static void Map(Router router) => router
        .Get("vms/{id}/snapshots/{id}/disks", async call =>
        {
            var (_, snapshot) = await Present(call);
            List<Element> shown = [];
            foreach (var id in snapshot.Disks)
                if (await call.Find(Kinds.Disk, id.Value) is { } disk)
                    shown.Add(Show(call, snapshot, WireJson.Read<DiskView>(disk.Json)));
            return Answer.Of(Shapes.Disk, shown);
        })
        .Get("vms/{id}/snapshots/{id}/disks/{id}", async call =>
        {
            var (_, snapshot) = await Present(call);
            return snapshot.Disks.Contains(new DiskId(call.Id(2)))
                ? Answer.Of(Show(call, snapshot, await call.Get<DiskView>(Kinds.Disk, call.Id(2))))
                : throw FaultException.Unknown("disk", call.Ids[2]);
        })
        .Get("vms/{id}/snapshots/{id}/nics", async call =>
        {
            var (vm, snapshot) = await Present(call);
            return Answer.Of(Shapes.Nic, [.. snapshot.Config.Nics.Select(nic => Show(vm, snapshot, nic))]);
        })
        .Get("vms/{id}/snapshots/{id}/nics/{id}", async call =>
        {
            var (vm, snapshot) = await Present(call);
            return snapshot.Config.Nics.FirstOrDefault(nic => nic.Id == call.Id(2)) is { } found
                ? Answer.Of(Show(vm, snapshot, found))
                : throw FaultException.Unknown("NIC", call.Ids[2]);
        })
        .Get("vms/{id}/snapshots/{id}/cdroms", async call =>
        {
            var (vm, snapshot) = await Present(call);
            return Answer.Of(Shapes.Cdrom, [Drive(vm, snapshot)]);
        })
        .Get("vms/{id}/snapshots/{id}/cdroms/{id}", async call =>
        {
            var (vm, snapshot) = await Present(call);
            return call.Id(2) == Guid.Empty ? Answer.Of(Drive(vm, snapshot)) : throw FaultException.Unknown("CD drive", call.Ids[2]);
        });

    private static async Task<(VmView Vm, VmSnapshotView Snapshot)> Present(ApiCall call)
    {
        var vm = await Vms.Read(call);
        return (vm, Snapshots.Find(call, vm));
    }

    private static Element Show(ApiCall call, VmSnapshotView snapshot, DiskView view)
    {
        var disk = Disks.Show(view, $"{Snapshots.Href(new VmId(call.Id()), snapshot.Id)}/disks/{view.Id}");
        return disk.With("snapshot", Shapes.Snapshot.New(snapshot.Id, Snapshots.Href(new VmId(call.Id()), snapshot.Id)));
    }

    private static Element Show(VmView vm, VmSnapshotView snapshot, Nic nic) =>
        Nics.Define(Shapes.Nic.New(nic.Id, $"{Snapshots.Href(vm.Id, snapshot.Id)}/nics/{nic.Id}"), nic).With("vm", Refs.To(vm.Id));

    private static Element Drive(VmView vm, VmSnapshotView snapshot)
    {
        var drive = Shapes.Cdrom.New(Guid.Empty, $"{Snapshots.Href(vm.Id, snapshot.Id)}/cdroms/{Guid.Empty}").With("vm", Refs.To(vm.Id));
        return snapshot.Config.Cdrom is { } cd && cd.Value != Guid.Empty ? drive.With("file", Shapes.File.New(cd.Value, null)) : drive;
    }
}
