using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>disks/{id}/sparsify, reduce and convert: the image is written anew beside the present one, while no VM runs with it.</summary>
internal static class DiskRewrites
{
    public static void Map(Router router) => router
        .Post("disks/{id}/sparsify", call => Send(call, RewriteKind.Sparsify))
        .Post("disks/{id}/reduce", call => Send(call, RewriteKind.Reduce))
        .Post("disks/{id}/convert", call => Send(call, RewriteKind.Convert));

    private static async Task<Answer> Send(ApiCall call, RewriteKind what)
    {
        var action = await call.ReadBody(Shapes.Action);
        var wanted = action.One("disk");
        var (format, sparse) = (wanted?.Text("format"), wanted?.Flag("sparse"));
        if (what == RewriteKind.Convert && format is null && sparse is null)
            throw FaultException.Missing("Action", "disk.format|sparse", "convert");
        var disk = await call.Get<DiskView>(Kinds.Disk, call.Id());
        await RequireDown(call, disk);
        if (disk.Config.Content == "iso") await Cdroms.RequireUnused(call, disk.Id);
        var domain = await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value);
        Disks.RequireActive(domain);
        // Both images are there for a while.
        Disks.RequireSpace(domain);
        var host = await StorageDomains.HostFor(call, domain);
        return await Acts.Send(call, Kinds.Disk, disk.Id.Value, origin => new DiskCommand.Rewrite(origin, what, Disks.NewPlace(domain, disk.Id), host)
        {
            Format = what == RewriteKind.Convert ? format : null,
            Sparse = what == RewriteKind.Convert ? sparse : null,
        });
    }

    /// <summary>No VM that has the disk runs.</summary>
    /// <exception cref="FaultException">409: one does.</exception>
    public static async Task RequireDown(ApiCall call, DiskView disk)
    {
        foreach (var id in disk.Vms)
            if (await call.Find(Kinds.Vm, id.Value) is { } holder && WireJson.Read<VmView>(holder.Json) is { Status: not "down" } vm)
                throw FaultTable.Refusal(Fault.VmMustBeDown, $"The VM {vm.Config.Name} has the disk and is {vm.Status}");
    }
}
