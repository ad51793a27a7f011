using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class Templates
{
    public const string BlankName = "Blank";

    public static void Map(Router router) => router
        .Get("templates", List)
        .Post("templates", Add)
        .Get("templates/{id}", Get)
        .Put("templates/{id}", Update)
        .Delete("templates/{id}", Remove)
        .Get("templates/{id}/diskattachments", async call => Answer.Of(Shapes.DiskAttachment,
            await Find(call, call.Id()) is { } view ? [.. view.Config.Disks.Select(disk => ShowDisk(view.Id, disk))] : []))
        .Get("templates/{id}/nics", async call => Answer.Of(Shapes.Nic,
            await Find(call, call.Id()) is { } view ? [.. view.Config.Nics.Select(nic => ShowNic(view.Id, nic))] : []));

    /// <summary>The template that a body names; null for Blank, which is also what no template means.</summary>
    public static async Task<TemplateView?> Of(ApiCall call, Element? reference)
    {
        if (await Refs.Resolve(call, Kinds.Template, reference) is not { } id) return null;
        if (await Find(call, id) is not { } view) return null;
        return view.Status == "ok" || view.Id == TemplateId.Blank
            ? view
            : throw FaultTable.Refusal(Fault.TemplateLocked, $"The template {view.Config.Name} is {view.Status}");
    }

    /// <summary>Null for Blank while the store has no document of it: every installation has that template.</summary>
    private static async Task<TemplateView?> Find(ApiCall call, Guid id) =>
        await call.Find(Kinds.Template, id) is { } document ? WireJson.Read<TemplateView>(document.Json)
        : id == TemplateId.Blank.Value ? null
        : throw FaultException.Unknown(Kinds.Template, id.ToString());

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<TemplateView>(call, Kinds.Template);
        var shown = new List<Element>(views.Count + 1);
        // Versions of one template have one name.
        var sorted = call.Parameters.Text("search") is null or "" ? views.OrderBy(v => v.Config.Name, StringComparer.Ordinal).ThenBy(v => v.Version?.Number ?? 1) : views.AsEnumerable();
        foreach (var view in sorted) shown.Add(await Show(call, view));
        var all = call.Parameters.Text("search") is null or "" && call.Parameters.Max is null;
        if (all && views.All(view => view.Id != TemplateId.Blank)) shown.Insert(0, ShowBlank());
        return Answer.Of(Shapes.Template, shown);
    }

    private static async Task<Answer> Get(ApiCall call) => Answer.Of(
        await Find(call, call.Id()) is { } view ? await Show(call, view) : ShowBlank());

    /// <summary>Copies the VM's definition and disks; the template is locked until the copies are done.</summary>
    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Template);
        var of = await TemplateFamilies.BaseOf(call, body.One("version"));
        var name = of?.Config.Name ?? Names.Required(body, "Template");
        var source = Refs.IdOf(body.One("vm"))
            ?? await Refs.Resolve(call, Kinds.Vm, body.One("vm"))
            ?? throw FaultException.Missing("Template", "vm.id|name", "add");
        var vm = await call.Get<VmView>(Kinds.Vm, source);
        var snapshot = (await Snapshots.Source(call, body.One("vm")?.Many("snapshots"), vm))?.Snapshot;
        if (snapshot is null && vm.Status != "down")
            throw FaultTable.Refusal(Fault.VmMustBeDown, $"The VM {vm.Config.Name} is {vm.Status}");
        var id = Names.NewId(body);
        var original = snapshot?.Config ?? vm.Config;
        var copied = original with
        {
            Name = name,
            Description = "",
            Comment = "",
            Disks = [],
            DeleteProtected = false,
            // The password of the VM is its own.
            Initialization = original.Initialization is { } told ? told with { Secret = "" } : null,
        };
        var patch = await Definitions.Patch(call, body, copied);
        Definitions.Checked(patch.Apply(copied));
        patch = await Initializations.KeepPassword(call, body, patch, $"{id}");
        var config = patch.Apply(copied);
        var seals = call.Parameters.Flag("seal") == true;
        if (seals && config.OsType.StartsWith("windows", StringComparison.OrdinalIgnoreCase))
            throw FaultException.Conflict("A Windows guest is not sealed by the engine; run sysprep in the VM, and make the template then");
        HostId? sealer = seals && original.Disks is [var first, ..] ? await HostFor(call, first.Disk) : null;

        async Task<TemplateView> Make()
        {
            var disks = new NewDisks(call);
            var version = of is null ? null : await TemplateFamilies.Number(call, of, new TemplateId(id), body.One("version"));
            try
            {
                if (snapshot is null) await disks.Clone(vm.Config.Disks, name);
                else await disks.Clone(Snapshots.DisksOf(snapshot), name, snapshot.Id);
                var attachments = disks.Attachments;
                return await call.Ask<TemplateView>(Kinds.Template, id, new TemplateCommand.Create(
                    call.NewOrigin(), config with { Disks = attachments },
                    [.. attachments.Select(attachment => attachment.Disk)])
                {
                    Version = version,
                    Sealer = sealer,
                });
            }
            catch (FaultException)
            {
                await disks.Undo();
                if (version is not null) await TemplateFamilies.GiveBack(call, version.Base, new TemplateId(id));
                throw;
            }
        }

        // A version has the name of its base template.
        var view = of is null ? await Names.Claiming(call, Kinds.Template, name, id, Make) : await Make();
        return Answer.Created(
            Disks.WithCreation(await Show(call, view), view.Status), pending: view.Status == "locked");
    }

    private static async Task<HostId> HostFor(ApiCall call, DiskId id)
    {
        var disk = await call.Get<DiskView>(Kinds.Disk, id.Value);
        return await StorageDomains.HostFor(call, await call.Get<StorageDomainView>(Kinds.StorageDomain, disk.Config.StorageDomain.Value));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Template);
        if (await Find(call, call.Id()) is not { } present) throw FaultTable.Refusal(Fault.TemplateIsBlank, null);
        var name = Names.Changed(body, "Template", present.Config.Name);
        if (name is not null && present.Version is { } version)
            throw FaultException.Conflict($"A version has the name of its base template; rename that ({version.Base})");
        var patch = new TemplatePatch
        {
            Name = name,
            Description = body.Text("description"),
            Comment = body.Text("comment"),
        };
        var view = await Names.Renaming(call, Kinds.Template, name, present.Config.Name, call.Id(), () =>
            call.Ask<TemplateView>(Kinds.Template, call.Id(), new TemplateCommand.Update(call.NewOrigin(), patch)));
        if (name is not null) await TemplateFamilies.Rename(call, view, name);
        return Answer.Of(await Show(call, view));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        if (await Find(call, call.Id()) is not { } view) throw FaultTable.Refusal(Fault.TemplateIsBlank, null);
        await TemplateFamilies.Settle(call, view);
        var origin = call.NewOrigin();
        await call.Ask(Kinds.Template, call.Id(), new TemplateCommand.Remove(origin));
        await Initializations.Forget(call, view.Config, $"{view.Id}");
        foreach (var disk in view.Config.Disks)
        {
            try
            {
                await Disks.Remove(call, disk.Disk.Value, call.NewOrigin());
            }
            catch (FaultException left)
            {
                call.World.Log.DiskLeftBehind(disk.Disk, view.Config.Name, left.Detail);
            }
        }

        return Acts.Accepted(call, origin);
    }

    private static async Task<Element> Show(ApiCall call, TemplateView view)
    {
        var href = Hrefs.Template(view.Id.Value);
        var template = Definitions.Show(
                Shapes.Template.New(view.Id.Value, href), view.Config,
                await Clusters.ArchitectureOf(call, view.Config.Cluster), view.CreatedAt)
            .With("status", view.Status)
            .With("version", TemplateFamilies.Show(view))
            .WithLink("diskattachments", $"{href}/diskattachments")
            .WithLink("nics", $"{href}/nics")
            .WithLink("tags", $"{href}/tags");
        if (view.Config.Cluster.Value != Guid.Empty) template.With("cluster", Refs.To(view.Config.Cluster));
        if (view.StatusDetail.Length > 0) template.With("status_detail", view.StatusDetail);
        return template;
    }

    /// <summary>Blank belongs to no cluster and was made with the installation.</summary>
    private static Element ShowBlank()
    {
        var id = TemplateId.Blank.Value;
        var config = new VmConfig { Name = BlankName, Cluster = new ClusterId(Guid.Empty), Description = "Blank template" };
        return Definitions.Show(
                Shapes.Template.New(id, Hrefs.Template(id)), config, "undefined", DateTimeOffset.UnixEpoch)
            .With("status", "ok")
            .With("version", TemplateFamilies.Show(TemplateId.Blank, 1, TemplateFamilies.FirstName));
    }

    private static Element ShowDisk(TemplateId template, DiskAttachment attachment) => Shapes.DiskAttachment
        .New(attachment.Disk.Value, $"{Hrefs.Template(template.Value)}/diskattachments/{attachment.Disk}")
        .With("active", attachment.Active)
        .With("bootable", attachment.Bootable)
        .With("interface", attachment.Interface)
        .With("disk", Refs.To(attachment.Disk))
        .With("template", Refs.To(template));

    private static Element ShowNic(TemplateId template, Nic nic) => Shapes.Nic
        .New(nic.Id, $"{Hrefs.Template(template.Value)}/nics/{nic.Id}")
        .With("name", nic.Name)
        .With("interface", nic.Interface)
        .With("linked", nic.Linked)
        .With("plugged", nic.Plugged)
        .With("network", Shapes.Network.New().With("name", nic.Bridge));
}
