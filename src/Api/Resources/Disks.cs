using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class Disks
{
    public static void Map(Router router) => router
        .Get("disks", List)
        .Post("disks", Add)
        .Get("disks/{id}", async call => Answer.Of(Show(await call.Get<DiskView>(Kinds.Disk, call.Id()))))
        .Put("disks/{id}", async call => Answer.Of(await Update(call, call.Id(), await call.ReadBody(Shapes.Disk))))
        .Post("disks/{id}/move", Move)
        .Post("disks/{id}/copy", CopyTo)
        .Delete("disks/{id}", async call =>
        {
            var origin = call.NewOrigin();
            await Remove(call, call.Id(), origin);
            return Acts.Accepted(call, origin);
        });

    /// <summary>Disks of one storage domain.</summary>
    public static async Task<Answer> ListOf(ApiCall call, Guid storageDomain)
    {
        var views = await call.List<DiskView>(new ReadQuery(
            Kinds.Disk, new Dictionary<string, string> { ["config.storageDomain"] = storageDomain.ToString() },
            Max: call.Parameters.Max));
        return Answer.Of(Shapes.Disk, [.. views.Select(Show)]);
    }

    /// <summary>Makes a disk as the body describes it.</summary>
    /// <param name="fallbackName">Name when the body gives none.</param>
    public static async Task<DiskView> Create(ApiCall call, Element body, string fallbackName)
    {
        var size = body.Number("provisioned_size") ?? throw FaultException.Missing("Disk", "provisionedSize", "add");
        if (size <= 0) throw FaultException.Bad($"Disk.provisioned_size is {size}; it must be more than 0 bytes");
        if (body.Text("storage_type") is { } type and not "image")
            throw FaultException.NotYet($"A disk of the type {type}");
        var domain = await Refs.Resolve(call, Kinds.StorageDomain,
                body.Many("storage_domains") is [var first, ..] ? first : body.One("storage_domain"))
            ?? throw FaultException.Missing("Disk", "storageDomains.storageDomain.id|name", "add");
        var id = Names.NewId(body);
        var shareable = body.Flag("shareable") ?? false;
        var content = body.Text("content_type") ?? "data";
        if (content is not ("data" or "iso")) throw FaultException.NotYet($"A disk of the content {content}");
        var format = body.Text("format") ?? (shareable || content == "iso" ? "raw" : "cow");
        if (content == "iso" && format != "raw") throw FaultException.Bad($"Disk.format is {format}; a disk of the content iso is raw");
        var config = new DiskConfig
        {
            Name = NameOf(body) ?? fallbackName,
            StorageDomain = new StorageDomainId(domain),
            ProvisionedSize = size,
            Format = format,
            Sparse = body.Flag("sparse") ?? format == "cow",
            Shareable = shareable,
            Description = body.Text("description") ?? "",
            Content = content,
        };
        return await Create(call, id, config, "", "");
    }

    /// <summary>Makes a copy of a disk on its own storage domain.</summary>
    /// <param name="snapshot">Of what it was then; null: of what it is now.</param>
    public static Task<DiskView> Copy(ApiCall call, DiskView source, string name, Guid? snapshot = null) =>
        Copy(call, source, source.Config with { Name = name }, call.NewOrigin(), snapshot);

    private static async Task<DiskView> Copy(ApiCall call, DiskView source, DiskConfig config, Origin origin, Guid? snapshot = null)
    {
        if (source.Status != "ok")
            throw FaultTable.Refusal(source.Status == "locked" ? Fault.DiskLocked : Fault.DiskIllegal,
                $"The disk is {source.Config.Name} ({source.Id})");
        var copy = Guid.NewGuid();
        // From here on what is to be copied stays where it is.
        var held = await call.Ask<DiskView>(Kinds.Disk, source.Id.Value, new DiskCommand.BeginCopy(call.NewOrigin(), new DiskId(copy), snapshot));
        if (snapshot is null) return await Create(call, copy, config, held.Path, held.ImageFormat, origin);
        var layer = held.Layers.First(l => l.Snapshot == snapshot);
        return await Create(
            call, copy, config with { ProvisionedSize = layer.Size, Shareable = false }, layer.Path, layer.Format == "raw" ? "raw" : "qcow2", origin);
    }

    /// <summary>Another disk with the same content, on a storage domain of the same data center. It is one image, also where the source
    /// has snapshots.</summary>
    private static async Task<Answer> CopyTo(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var disk = await call.Get<DiskView>(Kinds.Disk, call.Id());
        await DiskRewrites.RequireDown(call, disk);
        var target = await Target(call, action, disk, "copy");
        var name = action.One("disk") is { } wanted ? NameOf(wanted) : null;
        var origin = call.NewOrigin();
        var copy = await Copy(call, disk, disk.Config with { Name = name ?? disk.Config.Name, StorageDomain = target.Id }, origin);
        return Acts.Accepted(call, origin, made => made.With("disk", Refs.To(copy.Id)));
    }

    /// <summary>Removes a disk that no VM lists.</summary>
    public static async Task Remove(ApiCall call, Guid id, Origin origin)
    {
        var disk = await call.Get<DiskView>(Kinds.Disk, id);
        if (disk.Config.Content == "iso") await Cdroms.RequireUnused(call, disk.Id);
        await DiskHolders.Settle(call, disk.Id);
        var domain = await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value);
        var host = await StorageDomains.HostFor(call, domain);
        await call.Ask(Kinds.Disk, id, new DiskCommand.Remove(origin, host));
    }

    /// <summary>To another storage domain of the same data center; a VM that runs with it does not notice.</summary>
    private static async Task<Answer> Move(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var disk = await call.Get<DiskView>(Kinds.Disk, call.Id());
        if (disk.Config.Content == "iso") await Cdroms.RequireUnused(call, disk.Id);
        var target = await Target(call, action, disk, "move");
        var host = await StorageDomains.HostFor(call, target);
        var place = new DiskPlace(target.Id, NewPlace(target, disk.Id)) { Name = target.Config.Name };
        return await Acts.Send(call, Kinds.Disk, disk.Id.Value, origin => new DiskCommand.Move(origin, place, host));
    }

    /// <summary>The storage domain that an action names, where hosts that reach the disk can write.</summary>
    private static async Task<StorageDomainView> Target(ApiCall call, Element action, DiskView disk, string method)
    {
        var to = await Refs.Resolve(call, Kinds.StorageDomain, action.One("storage_domain"))
            ?? throw FaultException.Missing("Action", "storageDomain.id|name", method);
        var target = await call.Get<StorageDomainView>(Kinds.StorageDomain, to);
        RequireActive(target);
        RequireSpace(target);
        var source = await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value);
        RequireActive(source);
        return target.DataCenter == source.DataCenter
            ? target
            : throw FaultTable.Refusal(Fault.StorageDomainNotAttached,
                $"The disk is in the data center {source.DataCenter}, the storage domain {target.Config.Name} in {target.DataCenter}");
    }

    /// <summary>For another image of a disk. Never the same again: what work that failed has left behind is in nobody's way.</summary>
    internal static string NewPlace(StorageDomainView domain, DiskId disk) =>
        $"{StoragePlaces.Images(domain.Config, domain.Id)}/{disk}/{Guid.NewGuid()}";

    /// <summary>What is nearly full takes nothing more.</summary>
    internal static void RequireSpace(StorageDomainView domain)
    {
        if (Space.Level(domain.Config, domain.Available, domain.Used) == SpaceLevel.Critical)
            throw FaultTable.Refusal(Fault.StorageDomainSpaceCritical, domain.Config.Name);
    }

    internal static void RequireActive(StorageDomainView domain)
    {
        if (domain.DataCenter is null) throw FaultTable.Refusal(Fault.StorageDomainNotAttached, domain.Config.Name);
        if (domain.Status != "active") throw FaultTable.Refusal(Fault.StorageDomainNotActive, domain.Config.Name);
    }

    public static async Task<Element> Update(ApiCall call, Guid id, Element body)
    {
        var size = body.Number("provisioned_size");
        var present = await call.Get<DiskView>(Kinds.Disk, id);
        if (size < present.Config.ProvisionedSize)
            throw FaultTable.Refusal(Fault.DiskTooSmall, $"It has {present.Config.ProvisionedSize} bytes");
        // What the other changes are refused for must not leave a bigger disk behind, and the other way round.
        if (size > present.Config.ProvisionedSize && present.Status != "ok")
            throw FaultTable.Refusal(present.Status == "locked" ? Fault.DiskLocked : Fault.DiskIllegal, present.Config.Name);

        var patch = new DiskPatch
        {
            Name = NameOf(body),
            Description = body.Text("description"),
            Shareable = body.Flag("shareable"),
        };
        if (patch != new DiskPatch()) present = await call.Ask<DiskView>(Kinds.Disk, id, new DiskCommand.Update(call.NewOrigin(), patch));
        if (size > present.Config.ProvisionedSize) present = await Grow(call, present, size.Value);
        return Show(present);
    }

    private static async Task<DiskView> Grow(ApiCall call, DiskView disk, long size)
    {
        var domain = await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value);
        RequireActive(domain);
        RequireSpace(domain);
        var host = await StorageDomains.HostFor(call, domain);
        return await call.Ask<DiskView>(Kinds.Disk, disk.Id.Value, new DiskCommand.Grow(call.NewOrigin(), size, host));
    }

    public static Element Show(DiskView view) => Show(view, Hrefs.Disk(view.Id.Value))
        .WithLink("statistics", $"{Hrefs.Disk(view.Id.Value)}/statistics")
        .WithAction("copy", $"{Hrefs.Disk(view.Id.Value)}/copy")
        .WithAction("move", $"{Hrefs.Disk(view.Id.Value)}/move")
        .WithAction("sparsify", $"{Hrefs.Disk(view.Id.Value)}/sparsify")
        .WithAction("reduce", $"{Hrefs.Disk(view.Id.Value)}/reduce")
        .WithAction("convert", $"{Hrefs.Disk(view.Id.Value)}/convert");

    /// <summary>Found somewhere else than among the disks.</summary>
    public static Element Show(DiskView view, string href)
    {
        var config = view.Config;
        var disk = Shapes.Disk.New(view.Id.Value, href)
            .With("name", config.Name)
            .With("alias", config.Name)
            .With("description", config.Description)
            .With("provisioned_size", config.ProvisionedSize)
            .With("format", config.Format)
            .With("image_id", view.Id.ToString())
            .With("shareable", config.Shareable)
            .With("sparse", config.Sparse)
            .With("wipe_after_delete", false)
            .With("propagate_errors", false)
            .With("storage_type", "image")
            .With("content_type", config.Content)
            .With("status", view.Status)
            .With("storage_domains", [Refs.To(config.StorageDomain)]);
        if (view.ActualSize is { } actual) disk.With("actual_size", actual).With("total_size", actual);
        if (view.StatusDetail.Length > 0) disk.With("status_detail", view.StatusDetail);
        if (view.Vms.Length > 0) disk.With("vms", [.. view.Vms.Select(Refs.To)]);
        return disk;
    }

    private static async Task<DiskView> Create(
        ApiCall call, Guid id, DiskConfig config, string source, string sourceFormat, Origin? origin = null)
    {
        var domain = await call.Get<StorageDomainView>(Kinds.StorageDomain, config.StorageDomain.Value);
        RequireActive(domain);
        RequireSpace(domain);
        var host = await StorageDomains.HostFor(call, domain);
        var path = $"{StoragePlaces.Images(domain.Config, domain.Id)}/{id}/{id}";
        return await call.Ask<DiskView>(Kinds.Disk, id,
            new DiskCommand.Create(origin ?? call.NewOrigin(), config, path, host, source, sourceFormat));
    }

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<DiskView>(call, Kinds.Disk);
        return Answer.Of(Shapes.Disk, [.. views.Select(Show)]);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Disk);
        if (NameOf(body) is null) throw FaultException.Missing("Disk", "name", "add");
        var view = await Create(call, body, "");
        return Answer.Created(WithCreation(Show(view), view.Status), pending: view.Status == "locked");
    }

    internal static Element WithCreation(Element element, string status) =>
        element.With("creation_status", status == "locked" ? "in_progress" : "complete");

    /// <summary>Disks have an alias; newer clients call it name. Disk names need not be unique.</summary>
    private static string? NameOf(Element body) =>
        (body.Text("name") ?? body.Text("alias")) is { Length: > 0 } name ? Names.Checked(name, "Disk") : null;
}
