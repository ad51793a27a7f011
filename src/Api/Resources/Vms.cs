using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class Vms
{
    private static readonly string[] _actions =
    [
        "cancelmigration", "clone", "commitsnapshot", "migrate", "previewsnapshot", "reboot", "reset", "shutdown", "start", "stop", "suspend",
        "ticket", "undosnapshot",
    ];

    public static void Map(Router router) => router
        .Get("vms", List)
        .Post("vms", Add)
        .Get("vms/{id}", Get)
        .Put("vms/{id}", Update)
        .Delete("vms/{id}", Remove)
        .Post("vms/{id}/start", Start)
        .Post("vms/{id}/stop", call => Act(call, (origin, _) => new VmCommand.Stop(origin)))
        .Post("vms/{id}/shutdown", call => Act(call, (origin, _) => new VmCommand.Shutdown(origin)))
        .Post("vms/{id}/reboot", call => Act(call, (origin, action) => Forced(call, action) ? new VmCommand.Reset(origin) : new VmCommand.Reboot(origin)))
        .Post("vms/{id}/reset", call => Act(call, (origin, _) => new VmCommand.Reset(origin)))
        .Post("vms/{id}/suspend", Suspend)
        .Post("vms/{id}/migrate", Migrate)
        .Post("vms/{id}/cancelmigration", call => Act(call, (origin, _) => new VmCommand.CancelMigration(origin)));

    public static Task<VmView> Read(ApiCall call) => call.Get<VmView>(Kinds.Vm, call.Id());

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<VmView>(call, Kinds.Vm);
        var shown = new Element[views.Count];
        var seen = await call.Guests([.. views.Where(v => v.Host is not null).Select(v => v.Id.Value)]);
        for (var at = 0; at < shown.Length; at++)
            shown[at] = await Show(call, views[at], Observed.Fits(views[at], seen.GetValueOrDefault(views[at].Id.Value)));
        await Displays.Locate(call, [.. views.Zip(shown)]);
        return Answer.Of(Shapes.Vm, shown);
    }

    private static async Task<Answer> Get(ApiCall call)
    {
        var view = await Read(call);
        var vm = await Show(call, view);
        await Displays.Locate(call, [(view, vm)]);
        return Answer.Of(vm);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Vm);
        var name = Names.Required(body, "Vm");
        var from = (await Snapshots.Source(call, body.Many("snapshots")))?.Snapshot;
        var cluster = await Refs.Resolve(call, Kinds.Cluster, body.One("cluster"))
            ?? from?.Config.Cluster.Value
            ?? throw FaultException.Missing("Vm", "cluster.id|name", "add");
        var template = from is not null ? null : await Templates.Of(call, body.One("template"));
        if (template is not null && body.Flag("use_latest_template_version") == true) template = await TemplateFamilies.Latest(call, template);
        var id = Names.NewId(body);
        var source = from?.Config ?? template?.Config ?? Blank(cluster);
        var patch = await Definitions.Patch(call, body, source);
        var started = source with
        {
            Name = name,
            Cluster = new ClusterId(cluster),
            Template = from?.Config.Template ?? template?.Id ?? TemplateId.Blank,
            Description = "",
            Comment = "",
            Disks = [],
            Nics = [],
            DeleteProtected = false,
            // The password of another VM is its own.
            Initialization = from is not null && source.Initialization is { } told ? told with { Secret = "" } : source.Initialization,
        };
        // As in oVirt, where a template says nothing else.
        if (patch.OnStorageError is null && started.Template == TemplateId.Blank)
            patch = patch with { OnStorageError = StorageErrorResume.AutoResume };
        patch = await Hardware.WithFolder(call, WithRoom(patch), started);
        Definitions.Checked(patch.Apply(started));
        patch = await Initializations.KeepPassword(call, body, patch, $"{id}");
        var config = patch.Apply(started);
        var nics = await Nics.Inline(call, new ClusterId(cluster), source.Nics, body.Many("nics") ?? []);

        var view = await Names.Claiming(call, Kinds.Vm, name, id, async () =>
        {
            var disks = new NewDisks(call);
            try
            {
                if (from is not null) await disks.Clone(Snapshots.DisksOf(from), name, from.Id);
                else await disks.Clone(source.Disks, name);
                await disks.Inline(body.Many("disk_attachments") ?? [], name);
                await disks.GiveTo(new VmId(id));
                return await call.Ask<VmView>(Kinds.Vm, id, new VmCommand.Create(
                    call.NewOrigin(), config with { Nics = nics, Disks = disks.Attachments }));
            }
            catch (FaultException)
            {
                await disks.Undo();
                throw;
            }
        });
        return Answer.Created(await Show(call, view), pending: view.Status == "image_locked");
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Vm);
        var present = await Read(call);
        if (await Refs.Resolve(call, Kinds.Cluster, body.One("cluster")) is { } cluster
            && cluster != present.Config.Cluster.Value)
            throw FaultException.NotYet("Moving a VM to another cluster");
        var name = Names.Changed(body, "Vm", present.Config.Name);
        var patch = (await Definitions.Patch(call, body, present.Config)) with { Name = name };
        patch = await Hardware.WithFolder(call, patch, present.Config);
        Definitions.Checked(patch.Apply(present.Config));
        patch = await Initializations.KeepPassword(call, body, patch, $"{call.Id()}");
        var origin = call.NewOrigin();
        var update = new VmCommand.Update(origin, patch) { NextRun = call.Parameters.Flag("next_run") == true };
        var view = await Names.Renaming(call, Kinds.Vm, name, present.Config.Name, call.Id(), () =>
            HotPlug.Try(call, call.Id(), origin, update));
        return Answer.Of(await Show(call, view));
    }

    /// <summary>Removes the VM, and its disks unless detach_only. A disk that others share is left to them.</summary>
    private static async Task<Answer> Remove(ApiCall call)
    {
        var vm = await Read(call);
        var keeps = call.Parameters.Flag("detach_only") == true;
        if (keeps && !vm.Snapshots.IsEmpty) throw FaultTable.Refusal(Fault.DiskHasSnapshots, vm.Config.Name);
        var origin = call.NewOrigin();
        await call.Ask(Kinds.Vm, call.Id(), new VmCommand.Remove(origin));
        await Initializations.Forget(call, vm.Config, $"{vm.Id}");
        foreach (var attachment in vm.Config.Disks) await RemoveDisk(call, vm, attachment.Disk, keeps);
        return Acts.Accepted(call, origin);
    }

    /// <summary>The VM is gone already, so what goes wrong with one disk is logged and leaves that disk
    /// behind.</summary>
    private static async Task RemoveDisk(ApiCall call, VmView vm, DiskId disk, bool keeps)
    {
        try
        {
            if (keeps || (await call.Get<DiskView>(Kinds.Disk, disk.Value)).Config.Shareable) await DiskHolders.Settle(call, disk);
            else await Disks.Remove(call, disk.Value, call.NewOrigin());
        }
        catch (FaultException left)
        {
            call.World.Log.DiskLeftBehind(disk, vm.Config.Name, left.Detail);
        }
    }

    private static async Task<Answer> Start(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        if (action.Flag("use_sysprep") == true) throw FaultException.NotYet("Starting a VM with use_sysprep");
        if (action.Flag("volatile") == true) throw FaultException.NotYet("Starting a VM as volatile");
        var once = await Definitions.Once(call, action);
        var notReady = await NotReady(call);
        return await Acts.Send(call, Kinds.Vm, call.Id(), origin => new VmCommand.Start(origin) { Once = once, NotReady = notReady });
    }

    /// <summary>The disks with which its VM cannot be started now: hosts would refuse it one after the other.</summary>
    private static async Task<string> NotReady(ApiCall call)
    {
        List<string> names = [];
        foreach (var attachment in (await Read(call)).Config.Disks)
            if (await call.Find(Kinds.Disk, attachment.Disk.Value) is { } document
                && WireJson.Read<DiskView>(document.Json) is { KeepsFromStarting: true } disk)
                names.Add($"{disk.Config.Name} is {disk.Status switch { "ok" => "being copied", var status => status }}");
        return string.Join(", ", names);
    }

    private static async Task<Answer> Suspend(ApiCall call)
    {
        await call.ReadBody(Shapes.Action);
        var view = await Read(call);
        var folder = await Memories.FolderFor(call, view.Config);
        return await Acts.Send(call, Kinds.Vm, call.Id(), origin => new VmCommand.Suspend(
            origin, folder is null ? "" : $"{folder}/{view.Id}/{origin.Job}.memory"));
    }

    private static async Task<Answer> Migrate(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        if (action.Has("cluster")) throw FaultException.NotYet("Migrating to another cluster");
        HostId? host = await Refs.Resolve(call, Kinds.Host, action.One("host")) is { } id ? new HostId(id) : null;
        return await Acts.Send(call, Kinds.Vm, call.Id(), origin => new VmCommand.Migrate(origin, host, Forced(call, action)));
    }

    private static bool Forced(ApiCall call, Element action) => action.Flag("force") ?? call.Parameters.Flag("force") ?? false;

    private static async Task<Answer> Act(ApiCall call, Func<Origin, Element, VmCommand> command)
    {
        var action = await call.ReadBody(Shapes.Action);
        return await Acts.Send(call, Kinds.Vm, call.Id(), origin => command(origin, action));
    }

    private static VmConfig Blank(Guid cluster) => new() { Name = "", Cluster = new ClusterId(cluster) };

    /// <summary>oVirt's defaults for what a new VM's memory leaves open: all of it guaranteed, four times as much
    /// to plug in.</summary>
    private static VmPatch WithRoom(VmPatch patch) => patch.Memory is not { } memory
        ? patch
        : patch with
        {
            GuaranteedMemory = patch.GuaranteedMemory ?? memory,
            MaxMemory = patch.MaxMemory ?? (memory < long.MaxValue / 4 ? memory * 4 : memory),
        };

    public static async Task<Element> Show(ApiCall call, VmView view) => await Show(call, view, await Observed.Of(call, view));

    private static async Task<Element> Show(ApiCall call, VmView view, GuestObservation? seen)
    {
        var config = call.Parameters.Flag("next_run") == true ? view.Config : view.Running ?? view.Config;
        var href = Hrefs.Vm(view.Id.Value);
        var template = Refs.To(config.Template);
        var vm = Definitions.Show(
                Shapes.Vm.New(view.Id.Value, href), config, await Clusters.ArchitectureOf(call, config.Cluster),
                view.CreatedAt)
            .With("cluster", Refs.To(config.Cluster))
            .With("status", view.Status)
            .With("next_run_configuration_exists", view.NextRunExists)
            .With("run_once", view.RunOnce)
            .With("start_time", view.StartedAt)
            .With("stop_time", view.StoppedAt)
            .With("template", template)
            .With("original_template", template)
            .WithLink("cdroms", $"{href}/cdroms")
            .WithLink("diskattachments", $"{href}/diskattachments")
            .WithLink("graphicsconsoles", $"{href}/graphicsconsoles")
            .WithLink("nics", $"{href}/nics")
            .WithLink("numanodes", $"{href}/numanodes")
            .WithLink("applications", $"{href}/applications")
            .WithLink("reporteddevices", $"{href}/reporteddevices")
            .WithLink("sessions", $"{href}/sessions")
            .WithLink("snapshots", $"{href}/snapshots")
            .WithLink("statistics", $"{href}/statistics")
            .WithLink("tags", $"{href}/tags")
            .WithLink("watchdogs", $"{href}/watchdogs");
        if (view.Host is { } host) vm.With("host", Refs.To(host));
        if (Displays.Of(config) is { } display) vm.With("display", display);
        if (view.StatusDetail.Length > 0) vm.With("status_detail", view.StatusDetail);
        if (view.StopReason.Length > 0) vm.With("stop_reason", view.StopReason);
        Observed.Tell(vm, seen);
        foreach (var action in _actions.Concat(FrozenGuests.Actions)) vm.WithAction(action, $"{href}/{action}");
        return vm;
    }
}
