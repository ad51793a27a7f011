using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Access;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Uploads and downloads of disks. The bytes go by oVirt imageio's protocol, between the client and a host.</summary>
internal static class ImageTransfers
{
    public static void Map(Router router) => router
        .Get("imagetransfers", List)
        .Post("imagetransfers", Add)
        .Get("imagetransfers/{id}", async call => Answer.Of(await Show(call, await Read(call))))
        .Post("imagetransfers/{id}/extend", call => Order(call, TransferAction.Extend))
        .Post("imagetransfers/{id}/pause", call => Order(call, TransferAction.Pause))
        .Post("imagetransfers/{id}/resume", call => Order(call, TransferAction.Resume))
        .Post("imagetransfers/{id}/cancel", call => Order(call, TransferAction.Cancel))
        .Post("imagetransfers/{id}/finalize", call => Order(call, TransferAction.Finalize));

    private static async Task<Answer> List(ApiCall call)
    {
        var all = new List<Element>();
        foreach (var view in await call.List<ImageTransferView>(new ReadQuery(Kinds.ImageTransfer, Max: call.Parameters.Max)))
            if (await call.Access.May(call, Permit.EditDiskProperties, new ObjectRef(Kinds.Disk, view.Disk.Value)))
                all.Add(await Show(call, view));
        return Answer.Of(Shapes.ImageTransfer, all);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.ImageTransfer);
        if (body.One("snapshot") is not null) throw FaultException.NotYet("The transfer of a snapshot");
        if (body.One("backup") is not null) throw FaultException.NotYet("The transfer of a backup");
        // The image of a disk of this engine has the disk's own id.
        var id = await Refs.Resolve(call, Kinds.Disk, body.One("disk"))
            ?? Refs.IdOf(body.One("image"))
            ?? throw FaultException.Missing("ImageTransfer", "disk.id|image.id", "add");
        var disk = await call.Get<DiskView>(Kinds.Disk, id);
        await RequireNoGuest(call, disk);
        var isUpload = body.Text("direction") != "download";
        if (isUpload && disk.Config.Content == "iso") await Cdroms.RequireUnused(call, disk.Id);
        var domain = await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value);
        Disks.RequireActive(domain);
        var inactivity = body.Number("inactivity_timeout") ?? 60;
        if (inactivity is < 0 or > int.MaxValue)
            throw FaultException.Bad($"ImageTransfer.inactivity_timeout is {inactivity}; it is a number of seconds, 0 for no limit");
        var origin = call.NewOrigin();
        var transfer = new ImageTransfer
        {
            Id = origin.Job.Value,
            Direction = isUpload ? TransferDirection.Upload : TransferDirection.Download,
            Format = body.Text("format") ?? disk.Config.Format,
            Host = await Refs.Resolve(call, Kinds.Host, body.One("host")) is { } host
                ? await Up(call, host)
                : await StorageDomains.HostFor(call, domain),
            InactivitySeconds = (int)inactivity,
            Timeout = body.Text("timeout_policy") switch
            {
                "pause" => TransferTimeout.Pause,
                "cancel" => TransferTimeout.Cancel,
                _ => TransferTimeout.Legacy,
            },
            Shallow = body.Flag("shallow") ?? false,
        };
        await call.Ask(Kinds.Disk, id, new DiskCommand.BeginTransfer(origin, transfer));
        var view = await call.World.Read.View<ImageTransferView>(Kinds.ImageTransfer, transfer.Id, call.Cancel)
            ?? new ImageTransferView { Id = transfer.Id, Disk = disk.Id, Transfer = transfer, Phase = "initializing" };
        return Answer.Created(await Show(call, view));
    }

    private static async Task<Answer> Order(ApiCall call, TransferAction action)
    {
        await call.ReadBody(Shapes.Action);
        var view = await Read(call);
        if (view.EndedAt is not null) throw FaultTable.Refusal(Fault.TransferOver, $"It ended as {view.Phase}");
        HostId? other = null;
        if (action == TransferAction.Resume && view.Transfer.Direction == TransferDirection.Download
            && await call.World.Read.View<HostView>(Kinds.Host, view.Transfer.Host.Value, call.Cancel) is not { Status: "up" })
            other = await AnyHost(call, view);
        return await Acts.Send(call, Kinds.Disk, view.Disk.Value, origin => new DiskCommand.OrderTransfer(origin, view.Id, action) { Host = other });
    }

    private static Task<ImageTransferView> Read(ApiCall call) => call.Get<ImageTransferView>(Kinds.ImageTransfer, call.Id());

    private static async Task<HostId> AnyHost(ApiCall call, ImageTransferView view)
    {
        var disk = await call.Get<DiskView>(Kinds.Disk, view.Disk.Value);
        return await StorageDomains.HostFor(call, await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value));
    }

    private static async Task<HostId> Up(ApiCall call, Guid host) =>
        await call.Get<HostView>(Kinds.Host, host) is { Status: "up" } view
            ? view.Id
            : throw FaultTable.Refusal(Fault.HostNotUp, "It was to carry the transfer");

    /// <summary>The disk asks its VM itself, and its word counts; this is for an answer that comes at once.</summary>
    private static async Task RequireNoGuest(ApiCall call, DiskView disk)
    {
        foreach (var id in disk.Vms)
            if (await call.World.Read.View<VmView>(Kinds.Vm, id.Value, call.Cancel) is { Status: not "down" } vm)
                throw FaultTable.Refusal(Fault.VmMustBeDown, $"The disk is attached to the VM {vm.Config.Name}, which is {vm.Status}");
    }

    private static async Task<Element> Show(ApiCall call, ImageTransferView view)
    {
        var transfer = view.Transfer;
        var href = Hrefs.ImageTransfer(view.Id);
        var element = Shapes.ImageTransfer.New(view.Id, href)
            .With("active", view.Phase == "transferring")
            .With("direction", transfer.Direction == TransferDirection.Upload ? "upload" : "download")
            .With("format", transfer.Format)
            .With("inactivity_timeout", transfer.InactivitySeconds)
            .With("phase", view.Phase)
            .With("shallow", transfer.Shallow)
            .With("timeout_policy", transfer.Timeout switch
            {
                TransferTimeout.Pause => "pause",
                TransferTimeout.Cancel => "cancel",
                _ => "legacy",
            })
            .With("transferred", transfer.Transferred)
            .With("disk", Refs.To(view.Disk))
            .With("host", Refs.To(transfer.Host))
            .With("image", Shapes.Image.New(view.Disk.Value, null));
        if (view.Phase == "transferring" && await Addresses(call, transfer) is var (direct, proxy))
        {
            if (direct is not null) element.With("transfer_url", direct);
            if (proxy is not null) element.With("proxy_url", proxy);
        }

        foreach (var action in (string[])["cancel", "extend", "finalize", "pause", "resume"]) element.WithAction(action, $"{href}/{action}");
        return element;
    }

    private static async Task<(string? Direct, string? Proxy)> Addresses(ApiCall call, ImageTransfer transfer)
    {
        var ticket = call.World.Tickets.Of(transfer.Id, transfer.Session);
        var host = await call.World.Read.View<HostView>(Kinds.Host, transfer.Host.Value, call.Cancel);
        if (host?.Facts is not { ImagePort: > 0 and var port }) return default;
        var address = host.Config.Address.Contains(':', StringComparison.Ordinal) ? $"[{host.Config.Address}]" : host.Config.Address;
        return (
            $"https://{address}:{port}/images/{ticket}",
            call.World.Options.ProxiesImages && call.Authority.Length > 0 ? $"https://{call.Authority}/images/{ticket}" : null);
    }
}
