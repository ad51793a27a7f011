using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>
/// Which VM may write a disk is what the disk itself says; a VM's definition only lists it, and a start asks the disk
/// again. A VM is given a disk before it lists it, and gives it back after it lists it no more: whoever breaks off
/// between leaves a disk that is held by a VM that does not list it, which <see cref="Settle"/> mends.
/// </summary>
internal static class DiskHolders
{
    /// <exception cref="FaultException">Another VM has it and it is not shareable, or its image is illegal.</exception>
    public static async Task Give(ApiCall call, DiskId disk, VmId vm)
    {
        await Settle(call, disk);
        await call.Ask(Kinds.Disk, disk.Value, new DiskCommand.Attach(call.NewOrigin(), vm));
    }

    /// <summary>Takes the disk from each VM that does not list it, or is no more.</summary>
    public static async Task Settle(ApiCall call, DiskId disk)
    {
        if (await call.Find(Kinds.Disk, disk.Value) is not { } document) return;
        foreach (var vm in WireJson.Read<DiskView>(document.Json).Vms)
            if (!await Lists(call, vm, disk))
                await call.Ask(Kinds.Disk, disk.Value, new DiskCommand.Detach(call.NewOrigin(), vm));
    }

    private static async Task<bool> Lists(ApiCall call, VmId vm, DiskId disk) =>
        await call.Find(Kinds.Vm, vm.Value) is { } document
        && WireJson.Read<VmView>(document.Json).Config.Disks.Any(d => d.Disk == disk);
}
