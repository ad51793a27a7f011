using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/snapshots, and the actions of a VM that look at one. As in oVirt the list has the present, too: the snapshot
/// "Active VM", and while one is looked at, what was before.</summary>
internal static class Snapshots
{
    private const string ActiveName = "Active VM";

    public static void Map(Router router) => router
        .Get("vms/{id}/snapshots", List)
        .Post("vms/{id}/snapshots", Take)
        .Get("vms/{id}/snapshots/{id}", async call =>
        {
            var vm = await Vms.Read(call);
            return Answer.Of(Show(vm, Find(call, vm), await Clusters.ArchitectureOf(call, vm.Config.Cluster)));
        })
        .Delete("vms/{id}/snapshots/{id}", Remove)
        .Post("vms/{id}/snapshots/{id}/restore", async call =>
        {
            var action = await call.ReadBody(Shapes.Action);
            var vm = await Vms.Read(call);
            return await Look(call, action, vm, Regular(call, vm), restores: true);
        })
        .Post("vms/{id}/previewsnapshot", Preview)
        .Post("vms/{id}/commitsnapshot", async call =>
        {
            await call.ReadBody(Shapes.Action);
            return await Acts.Send(call, Kinds.Vm, call.Id(), origin => new VmCommand.CommitSnapshot(origin));
        })
        .Post("vms/{id}/undosnapshot", async call =>
        {
            await call.ReadBody(Shapes.Action);
            return await Acts.Send(call, Kinds.Vm, call.Id(), origin => new VmCommand.UndoSnapshot(origin));
        });

    private static async Task<Answer> List(ApiCall call)
    {
        var vm = await Vms.Read(call);
        var architecture = await Clusters.ArchitectureOf(call, vm.Config.Cluster);
        return Answer.Of(Shapes.Snapshot, [.. vm.Snapshots.Append(Active(vm)).Select(snapshot => Show(vm, snapshot, architecture))]);
    }

    /// <summary>Of the disks that the body lists, else of all that can have one: a shareable disk cannot, and a CD needs none.</summary>
    private static async Task<Answer> Take(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Snapshot);
        var vm = await Vms.Read(call);
        if (body.Flag("persist_memorystate") == true && vm.Status != "down")
            throw FaultException.NotYet("A snapshot with the memory of a VM that runs (say persist_memorystate=false, or shut it down)");
        var disks = await DisksOf(call, vm, body.Many("disk_attachments"));
        var places = await Places(call, disks);
        var origin = call.NewOrigin();
        var taken = await call.Ask<VmView>(Kinds.Vm, vm.Id.Value, new VmCommand.TakeSnapshot(origin, body.Text("description") ?? "", places));
        var snapshot = taken.Snapshots.FirstOrDefault(s => s.Id == origin.Job.Value)
            ?? throw FaultTable.Refusal(Fault.VmSnapshotUnknown, $"It was asked for, and is gone: the job {origin.Job} tells why");
        return Answer.Created(
            Show(taken, snapshot, await Clusters.ArchitectureOf(call, taken.Config.Cluster)), pending: snapshot.Status == "locked");
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var vm = await Vms.Read(call);
        var snapshot = Regular(call, vm);
        HostId host = default;
        foreach (var id in snapshot.Disks.Where(id => vm.Config.Disks.Any(a => a.Disk == id)))
        {
            var disk = await call.Get<DiskView>(Kinds.Disk, id.Value);
            host = await StorageDomains.HostFor(call, await ActiveDomain(call, disk));
        }

        return await Acts.Send(call, Kinds.Vm, vm.Id.Value, origin => new VmCommand.RemoveSnapshot(origin, snapshot.Id, host));
    }

    private static async Task<Answer> Preview(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var vm = await Vms.Read(call);
        var given = Refs.IdOf(action.One("snapshot")) ?? throw FaultException.Missing("Action", "snapshot.id", "previewSnapshot");
        return await Look(call, action, vm, Regular(call, vm, given), restores: false);
    }

    /// <summary>No snapshot has memory, so restore_memory asks for nothing.</summary>
    private static async Task<Answer> Look(ApiCall call, Element action, VmView vm, VmSnapshotView snapshot, bool restores)
    {
        var wanted = snapshot.Disks;
        if (action.Many("disks") is { } some)
        {
            if (some.Any(disk => Refs.IdOf(disk.One("snapshot")) is { } other && other != snapshot.Id))
                throw FaultException.NotYet("A look at disks of several snapshots at once");
            wanted = [.. some.Select(disk => new DiskId(Refs.IdOf(disk) ?? throw FaultException.Missing("Disk", "id", "previewSnapshot")))];
            if (wanted.FirstOrDefault(id => !snapshot.Disks.Contains(id)) is { Value: var stranger } && stranger != Guid.Empty)
                throw FaultException.Bad($"The snapshot has no disk {stranger}");
        }

        List<DiskView> disks = [];
        foreach (var id in wanted.Where(id => vm.Config.Disks.Any(a => a.Disk == id)))
            disks.Add(await call.Get<DiskView>(Kinds.Disk, id.Value));
        var places = await Places(call, disks);
        return await Acts.Send(call, Kinds.Vm, vm.Id.Value,
            origin => new VmCommand.PreviewSnapshot(origin, snapshot.Id, places) { Restores = restores });
    }

    private static async Task<IReadOnlyList<DiskView>> DisksOf(ApiCall call, VmView vm, IReadOnlyList<Element>? given)
    {
        var wanted = given?.Select(body => Refs.IdOf(body.One("disk") ?? body)
            ?? throw FaultException.Missing("Snapshot", "diskAttachments.disk.id", "add")).ToHashSet();
        if (wanted?.FirstOrDefault(id => vm.Config.Disks.All(a => a.Disk.Value != id)) is { } stranger && stranger != Guid.Empty)
            throw FaultTable.Refusal(Fault.VmDiskNotAttached, $"It is the disk {stranger}");
        List<DiskView> disks = [];
        foreach (var attachment in vm.Config.Disks)
        {
            if (wanted?.Contains(attachment.Disk.Value) == false) continue;
            var disk = await call.Get<DiskView>(Kinds.Disk, attachment.Disk.Value);
            if (!disk.Config.Shareable && disk.Config.Content == "data") disks.Add(disk);
            else if (wanted is not null) throw FaultException.Conflict($"The disk {disk.Config.Name} is shareable or a CD, so it cannot be in a snapshot");
        }

        return disks;
    }

    /// <summary>Where each of them gets its new image, and a host that makes it.</summary>
    private static async Task<ImmutableArray<SnapshotDisk>> Places(ApiCall call, IReadOnlyList<DiskView> disks)
    {
        var places = ImmutableArray.CreateBuilder<SnapshotDisk>();
        foreach (var disk in disks)
        {
            if (disk.Status != "ok")
                throw FaultTable.Refusal(disk.Status == "locked" ? Fault.DiskLocked : Fault.DiskIllegal, disk.Config.Name);
            var domain = await ActiveDomain(call, disk);
            Disks.RequireSpace(domain);
            places.Add(new SnapshotDisk(disk.Id, await StorageDomains.HostFor(call, domain), Disks.NewPlace(domain, disk.Id)));
        }

        return places.ToImmutable();
    }

    private static async Task<StorageDomainView> ActiveDomain(ApiCall call, DiskView disk)
    {
        var domain = await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value);
        Disks.RequireActive(domain);
        return domain;
    }

    public static VmSnapshotView Find(ApiCall call, VmView vm) =>
        vm.Snapshots.Append(Active(vm)).FirstOrDefault(s => s.Id == call.Id(1)) ?? throw FaultTable.Refusal(Fault.VmSnapshotUnknown, null);

    private static VmSnapshotView Regular(ApiCall call, VmView vm, Guid? given = null)
    {
        var id = given ?? call.Id(1);
        return id == ActiveId(vm.Id)
            ? throw FaultException.Conflict("This is the VM as it is now; name another snapshot")
            : vm.Snapshots.FirstOrDefault(s => s.Id == id) ?? throw FaultTable.Refusal(Fault.VmSnapshotUnknown, null);
    }

    /// <summary>The one snapshot that a body lists, from which something is to be made; null: it lists none. Its VM may run.</summary>
    /// <param name="vm">Whose it is; null: that is looked for.</param>
    /// <exception cref="FaultException">There is none, or its images are not whole.</exception>
    public static async Task<(VmView Vm, VmSnapshotView Snapshot)?> Source(ApiCall call, IReadOnlyList<Element>? given, VmView? vm = null)
    {
        if (given is null or []) return null;
        if (given.Count > 1) throw FaultException.Bad("More than one snapshot is named; something is made from one of them");
        var id = Refs.IdOf(given[0]) ?? throw FaultException.Missing("Snapshot", "id", "add");
        IEnumerable<VmView> among = vm is not null
            ? [vm]
            : (await call.World.Read.List(new ReadQuery(Kinds.Vm), call.Cancel))
                .Where(d => d.Json.Contains($"{id}", StringComparison.Ordinal)).Select(d => WireJson.Read<VmView>(d.Json));
        foreach (var owner in among)
        {
            if (id == ActiveId(owner.Id)) throw FaultException.Conflict("This is the VM as it is now; name another snapshot, or the VM");
            if (owner.Snapshots.FirstOrDefault(s => s.Id == id) is not { } snapshot) continue;
            if (snapshot.Broken) throw FaultTable.Refusal(Fault.VmSnapshotBroken, snapshot.Description);
            if (snapshot.Status != "ok") throw FaultTable.Refusal(Fault.VmSnapshotBusy, snapshot.Description);
            return (owner, snapshot);
        }

        throw FaultTable.Refusal(Fault.VmSnapshotUnknown, null);
    }

    /// <summary>Of the disks that the VM had then, those of which the snapshot has an image.</summary>
    public static ImmutableArray<DiskAttachment> DisksOf(VmSnapshotView snapshot) =>
        [.. snapshot.Config.Disks.Where(a => snapshot.Disks.Contains(a.Disk))];

    /// <summary>The present, which has an id of its own that stays.</summary>
    private static VmSnapshotView Active(VmView vm) => new(
        ActiveId(vm.Id), ActiveName, vm.CreatedAt, vm.Running ?? vm.Config, [.. vm.Config.Disks.Select(a => a.Disk)],
        vm.Snapshotting is null ? "ok" : "locked", false);

    private static Guid ActiveId(VmId vm) => NamedIds.Of($"{vm} active snapshot");

    public static string Href(VmId vm, Guid snapshot) => $"{Hrefs.Vm(vm.Value)}/snapshots/{snapshot}";

    private static Element Show(VmView vm, VmSnapshotView view, string architecture)
    {
        var href = Href(vm.Id, view.Id);
        var active = view.Id == ActiveId(vm.Id);
        var snapshot = Definitions.Show(Shapes.Snapshot.New(view.Id, href), view.Config, architecture, vm.CreatedAt)
            .With("description", view.Description)
            .With("date", view.At)
            .With("persist_memorystate", false)
            .With("snapshot_status", view.Status)
            .With("snapshot_type", active ? "active" : "regular")
            .With("cluster", Refs.To(view.Config.Cluster))
            .With("vm", Refs.To(vm.Id))
            .WithLink("cdroms", $"{href}/cdroms")
            .WithLink("disks", $"{href}/disks")
            .WithLink("nics", $"{href}/nics");
        if (!active) snapshot.WithAction("restore", $"{href}/restore");
        return snapshot;
    }
}
