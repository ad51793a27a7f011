using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/clone: another VM with the same definition, with copies of the disks as they are now and MAC addresses of its
/// own.</summary>
internal static class Clones
{
    public static void Map(Router router) => router.Post("vms/{id}/clone", Clone);

    private static async Task<Answer> Clone(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var name = Names.Required(action.One("vm") ?? throw FaultException.Missing("Action", "vm.name", "clone"), "Vm");
        if (action.Has("storage_domain")) throw FaultException.NotYet("A clone on another storage domain (move its disks afterwards)");
        var source = await Vms.Read(call);
        if (source.Status != "down") throw FaultTable.Refusal(Fault.VmMustBeDown, $"The VM {source.Config.Name} is {source.Status}");
        if (action.Flag("discard_snapshots") == false && !source.Snapshots.IsEmpty)
            throw FaultException.NotYet("A clone with the snapshots of its VM (say discard_snapshots=true)");
        foreach (var attachment in source.Config.Disks)
            if (await call.Get<DiskView>(Kinds.Disk, attachment.Disk.Value) is { Config.Shareable: true } shared)
                throw FaultException.Conflict($"The disk {shared.Config.Name} is shareable, and is not copied: detach it, or clone by a template");

        var (id, origin) = (Guid.NewGuid(), call.NewOrigin());
        var config = source.Config with
        {
            Name = name,
            DeleteProtected = false,
            Disks = [],
            Nics = await Nics.Inline(call, source.Config.Cluster, source.Config.Nics, []),
            // The password of the VM is its own.
            Initialization = source.Config.Initialization is { } told ? told with { Secret = "" } : null,
        };
        await Names.Claiming(call, Kinds.Vm, name, id, async () =>
        {
            var disks = new NewDisks(call);
            try
            {
                await disks.Clone(source.Config.Disks, name);
                await disks.GiveTo(new VmId(id));
                return await call.Ask<VmView>(Kinds.Vm, id, new VmCommand.Create(origin, config with { Disks = disks.Attachments }));
            }
            catch (FaultException)
            {
                await disks.Undo();
                throw;
            }
        });
        return Acts.Accepted(call, origin, made => made.With("vm", Refs.To(new VmId(id))));
    }
}
