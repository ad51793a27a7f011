using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/diskattachments: an attachment has the id of its disk.</summary>
internal static class DiskAttachments
{
    public static void Map(Router router) => router
        .Get("vms/{id}/diskattachments", async call =>
        {
            var vm = await Vms.Read(call);
            return Answer.Of(Shapes.DiskAttachment, [.. vm.Config.Disks.Select(disk => Show(vm.Id, disk))]);
        })
        .Post("vms/{id}/diskattachments", Add)
        .Get("vms/{id}/diskattachments/{id}", async call => Answer.Of(Show(new VmId(call.Id()), await Find(call))))
        .Put("vms/{id}/diskattachments/{id}", Update)
        .Delete("vms/{id}/diskattachments/{id}", Remove);

    /// <summary>How a body wants a disk attached.</summary>
    public static DiskAttachment Of(Element body, DiskId disk) => Checked(new(
        disk, body.Text("interface") ?? "virtio", body.Flag("bootable") ?? false, body.Flag("active") ?? true,
        body.Flag("read_only") ?? false)
    {
        PassDiscard = body.Flag("pass_discard") ?? true,
        Qos = Hardware.Disk(body, null),
    });

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.DiskAttachment);
        var vm = await Vms.Read(call);
        if (body.One("disk") is null && body.Id is { Length: > 0 } id) body.With("disk", Shapes.Disk.New(id, null));
        var disks = new NewDisks(call);
        await disks.Inline([body], vm.Config.Name);
        var attachment = disks.Attachments[0];
        try
        {
            await disks.GiveTo(vm.Id);
            var origin = call.NewOrigin();
            await HotPlug.Ask(call, vm.Id.Value, origin, new VmCommand.AttachDisk(origin, attachment));
        }
        catch (FaultException)
        {
            await disks.Undo();
            throw;
        }

        return Answer.Created(Show(vm.Id, attachment));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.DiskAttachment);
        var present = await Find(call);
        var wanted = Checked(present with
        {
            Interface = body.Text("interface") ?? present.Interface,
            Bootable = body.Flag("bootable") ?? present.Bootable,
            Active = body.Flag("active") ?? present.Active,
            ReadOnly = body.Flag("read_only") ?? present.ReadOnly,
            PassDiscard = body.Flag("pass_discard") ?? present.PassDiscard,
            Qos = Hardware.Disk(body, present.Qos),
        });
        var origin = call.NewOrigin();
        if (wanted != present) await HotPlug.Ask(call, call.Id(), origin, new VmCommand.UpdateDisk(origin, wanted));
        if (body.One("disk") is { } disk) await Disks.Update(call, call.Id(1), disk);
        return Answer.Of(Show(new VmId(call.Id()), wanted));
    }

    /// <summary>Detaches the disk; with detach_only=false the disk itself goes too, as in oVirt.</summary>
    private static async Task<Answer> Remove(ApiCall call)
    {
        var origin = call.NewOrigin();
        var disk = new DiskId(call.Id(1));

        // Of a disk that is detached already the rest is done.
        if (await call.Find(Kinds.Disk, disk.Value) is null) await Find(call);
        await HotPlug.Ask(call, call.Id(), origin, new VmCommand.DetachDisk(origin, disk));
        if (call.Parameters.Flag("detach_only") == false) await Disks.Remove(call, disk.Value, call.NewOrigin());
        else await DiskHolders.Settle(call, disk);
        return Acts.Accepted(call, origin);
    }

    private static DiskAttachment Checked(DiskAttachment attachment) =>
        HardwareRules.Wrong(attachment) is { } why ? throw FaultException.Bad(why) : attachment;

    private static async Task<DiskAttachment> Find(ApiCall call)
    {
        var vm = await Vms.Read(call);
        return vm.Config.Disks.FirstOrDefault(disk => disk.Disk.Value == call.Id(1))
            ?? throw FaultTable.Refusal(Fault.VmDiskNotAttached, null);
    }

    private static Element Show(VmId vm, DiskAttachment attachment) => Shapes.DiskAttachment
        .New(attachment.Disk.Value, $"{Hrefs.Vm(vm.Value)}/diskattachments/{attachment.Disk}")
        .With("active", attachment.Active)
        .With("bootable", attachment.Bootable)
        .With("read_only", attachment.ReadOnly)
        .With("pass_discard", attachment.PassDiscard)
        .With("qos", Hardware.Show(attachment.Qos))
        .With("interface", attachment.Interface)
        .With("disk", Refs.To(attachment.Disk))
        .With("vm", Refs.To(vm));
}
