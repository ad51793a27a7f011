using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/cdroms: each VM has one drive, with the id of nothing, as in oVirt. A CD is a disk whose content is iso, and
/// any number of VMs may have it.</summary>
internal static class Cdroms
{
    public static void Map(Router router) => router
        .Get("vms/{id}/cdroms", async call => Answer.Of(Shapes.Cdrom, [Show(call, await Vms.Read(call))]))
        .Post("vms/{id}/cdroms", async call =>
        {
            await call.ReadBody(Shapes.Cdrom);
            await Vms.Read(call);
            throw FaultException.Conflict("The VM has a CD drive; change what is in it with PUT");
        })
        .Get("vms/{id}/cdroms/{id}", async call => Answer.Of(Show(call, await Present(call))))
        .Put("vms/{id}/cdroms/{id}", Change);

    /// <summary>Refused while some VM has it in its drive, or its definition names it.</summary>
    public static async Task RequireUnused(ApiCall call, DiskId disk)
    {
        foreach (var place in new[] { "config.cdrom", "cdrom" })
        {
            var users = await call.List<VmView>(new ReadQuery(
                Kinds.Vm, new Dictionary<string, string> { [place] = disk.ToString() }, Max: 1));
            if (users is [var first, ..]) throw FaultTable.Refusal(Fault.DiskInUse, $"The VM {first.Config.Name} has it in its CD drive");
        }
    }

    /// <summary>The CD that a body names, the id of nothing for none; null where it says nothing.</summary>
    public static async Task<DiskId?> Of(ApiCall call, Element? cdrom)
    {
        if (cdrom?.One("file") is not { } file) return null;
        var given = file.Id;
        if (string.IsNullOrEmpty(given)) return new DiskId(Guid.Empty);
        if (!Guid.TryParseExact(given, "D", out var id))
            throw FaultException.Bad($"Cdrom.file.id is '{given}', which is not the id of a disk (files of ISO domains are not here)");
        var disk = await call.Get<DiskView>(Kinds.Disk, id);
        if (disk.Config.Content != "iso") throw FaultException.Conflict($"The content of the disk {disk.Config.Name} is {disk.Config.Content}, not iso");
        return disk.Status == "ok" ? disk.Id : throw FaultTable.Refusal(disk.Status == "locked" ? Fault.DiskLocked : Fault.DiskIllegal, disk.Config.Name);
    }

    private static async Task<Answer> Change(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Cdrom);
        var vm = await Present(call);
        var disk = await Of(call, body) ?? throw FaultException.Missing("Cdrom", "file.id", "update");
        var origin = call.NewOrigin();
        VmCommand command = call.Parameters.Flag("current") == true
            ? new VmCommand.ChangeCd(origin, disk.Value == Guid.Empty ? null : disk)
            : new VmCommand.Update(origin, new VmPatch { Cdrom = disk }) { NextRun = true };
        return Answer.Of(Show(call, await HotPlug.Ask(call, vm.Id.Value, origin, command)));
    }

    private static async Task<VmView> Present(ApiCall call) => call.Id(1) == Guid.Empty
        ? await Vms.Read(call)
        : throw FaultException.Unknown("CD drive", call.Ids[1]);

    private static Element Show(ApiCall call, VmView vm)
    {
        var drive = Shapes.Cdrom.New(Guid.Empty, $"{Hrefs.Vm(vm.Id.Value)}/cdroms/{Guid.Empty}").With("vm", Refs.To(vm.Id));
        var disk = call.Parameters.Flag("current") == true ? vm.Cdrom : vm.Config.Cdrom;
        return disk is { } cd ? drive.With("file", Shapes.File.New(cd.Value, null)) : drive;
    }
}
