using System.Collections.Immutable;
using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>vms/{id}/snapshots: which disks get an image and where, what is shown, and what is refused.</summary>
public sealed class SnapshotTests : IAsyncLifetime
{
    private static readonly Guid _first = new("00000000-0000-4000-8000-0000000000b1");
    private static readonly Guid _second = new("00000000-0000-4000-8000-0000000000b2");
    private static readonly Guid _shared = new("00000000-0000-4000-8000-0000000000b3");
    private static readonly Guid _taken = new("00000000-0000-4000-8000-0000000000b9");
    private static readonly Nic _nic = new(Guid.Parse("00000000-0000-4000-8000-0000000000ba"), "nic1", "virtio", "56:6f:00:00:00:01", "ovirtmgmt", true, true);
    private readonly TestApi _api = new();

    private static string Vm => $"/vms/{TestApi.Vm}";

    private static string Taken => $"{Vm}/snapshots/{_taken}";

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        foreach (var id in new[] { _first, _second, _shared })
            _api.Engine.Put(Kinds.Disk, id, new DiskView
            {
                Id = new(id),
                Status = "ok",
                Path = "/shared/data/x",
                CreatedAt = _api.Clock.Now,
                Config = new DiskConfig { Name = $"disk-{id}", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1 << 20, Shareable = id == _shared },
            });
        Change(vm => vm with { Config = vm.Config with { Disks = [.. new[] { _first, _second, _shared }.Select(id => new DiskAttachment(new(id), "virtio", false, true, false))] } });
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_snapshot_gets_an_image_of_its_own_for_each_disk_that_can_have_one()
    {
        _api.Engine.Guest = (view, command) => command is not VmCommand.TakeSnapshot c ? null : new Reply.Accepted(WireJson.Write(view with
        {
            Snapshots = [new VmSnapshotView(c.Origin.Job.Value, c.Description, c.Origin.At, view.Config, [.. c.Disks.Select(d => d.Disk)], "locked", false)],
            Snapshotting = c.Origin.Job,
        }), 2);
        var shown = await TestApi.Xml(
            await _api.Post($"{Vm}/snapshots", "<snapshot><description>before the upgrade</description></snapshot>"), HttpStatusCode.Accepted);
        Assert.Equal(("before the upgrade", "locked", "regular", "false"), (
            (string?)shown.Element("description"), (string?)shown.Element("snapshot_status"), (string?)shown.Element("snapshot_type"),
            (string?)shown.Element("persist_memorystate")));
        var command = _api.LastCommand<VmCommand.TakeSnapshot>();
        Assert.Equal([_first, _second], command.Disks.Select(d => d.Disk.Value));
        Assert.All(command.Disks, d => Assert.Equal(new HostId(TestApi.Host), d.Host));
        Assert.All(command.Disks, d => Assert.Matches($"/{TestApi.Domain}/images/{d.Disk}/[0-9a-f-]{{36}}$", d.Path));
        Assert.Equal((string?)shown.Attribute("id"), command.Origin.Job.ToString());

        // It is among the VM's, with the present; and it is found by its own path.
        var all = (await _api.GetXml($"{Vm}/snapshots")).Elements("snapshot").ToList();
        Assert.Equal(["regular", "active"], all.Select(s => (string?)s.Element("snapshot_type")));
        Assert.Equal("locked", (string?)(await _api.GetXml($"{Vm}/snapshots/{(string?)shown.Attribute("id")}")).Element("snapshot_status"));
    }

    [Fact]
    public async Task Which_disks_are_in_it_can_be_said()
    {
        await _api.Post($"{Vm}/snapshots", $"<snapshot><disk_attachments><disk_attachment><disk id='{_second}'/></disk_attachment></disk_attachments></snapshot>");
        Assert.Equal([_second], _api.LastCommand<VmCommand.TakeSnapshot>().Disks.Select(d => d.Disk.Value));
        await _api.Post($"{Vm}/snapshots", "<snapshot><disk_attachments/></snapshot>");
        Assert.Empty(_api.LastCommand<VmCommand.TakeSnapshot>().Disks);
    }

    [Fact]
    public async Task What_cannot_be_taken_is_refused_and_changes_nothing()
    {
        static string Of(Guid disk) => $"<snapshot><disk_attachments><disk_attachment><disk id='{disk}'/></disk_attachment></disk_attachments></snapshot>";
        await Refused($"{Vm}/snapshots", Of(_shared), HttpStatusCode.Conflict, "shareable");
        await Refused($"{Vm}/snapshots", Of(TestApi.Unknown), HttpStatusCode.NotFound, "not attached");
        await Refused($"{Vm}/snapshots", "<snapshot><disk_attachments><disk_attachment/></disk_attachments></snapshot>", HttpStatusCode.BadRequest, "disk.id");
        await Refused($"{Vm}/snapshots", "<vm/>", HttpStatusCode.BadRequest, "");
        await Refused($"/vms/{TestApi.Unknown}/snapshots", "<snapshot/>", HttpStatusCode.NotFound, "");
        var disk = _api.Engine.View<DiskView>(Kinds.Disk, _first);
        _api.Engine.Put(Kinds.Disk, _first, disk with { Status = "locked" });
        await Refused($"{Vm}/snapshots", "<snapshot/>", HttpStatusCode.Conflict, disk.Config.Name);
        _api.Engine.Put(Kinds.Disk, _first, disk);
        Change(vm => vm with { Status = "up" });
        await Refused($"{Vm}/snapshots", "<snapshot><persist_memorystate>true</persist_memorystate></snapshot>", HttpStatusCode.BadRequest, "persist_memorystate=false");
        var domain = _api.Engine.View<StorageDomainView>(Kinds.StorageDomain, TestApi.Domain);
        _api.Engine.Put(Kinds.StorageDomain, TestApi.Domain, domain with { Status = "maintenance" });
        await Refused($"{Vm}/snapshots", "<snapshot/>", HttpStatusCode.Conflict, "not active");
        _api.Engine.Put(Kinds.StorageDomain, TestApi.Domain, domain);
        var host = _api.Engine.View<Actors.Host.HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host with { Status = "maintenance" });
        await Refused($"{Vm}/snapshots", "<snapshot/>", HttpStatusCode.Conflict, "nobody can work on its images");
    }

    [Fact]
    public async Task What_a_vm_had_at_a_snapshot_is_shown()
    {
        Have();
        var snapshot = await _api.GetXml(Taken);
        Assert.Equal("before", (string?)snapshot.Element("name"));
        Assert.Equal(["cdroms", "disks", "nics"], snapshot.Elements("link").Select(l => (string?)l.Attribute("rel")).Order());
        Assert.Equal([_first.ToString(), _second.ToString()], (await _api.GetXml($"{Taken}/disks")).Elements().Select(d => (string?)d.Attribute("id")));
        var disk = await _api.GetXml($"{Taken}/disks/{_second}");
        Assert.EndsWith($"{Taken}/disks/{_second}", (string?)disk.Attribute("href"), StringComparison.Ordinal);
        Assert.Equal(_taken.ToString(), (string?)disk.Element("snapshot")?.Attribute("id"));
        Assert.Equal("nic1", (string?)Assert.Single((await _api.GetXml($"{Taken}/nics")).Elements()).Element("name"));
        Assert.Equal("nic1", (string?)(await _api.GetXml($"{Taken}/nics/{_nic.Id}")).Element("name"));
        Assert.Equal(_shared.ToString(), (string?)Assert.Single((await _api.GetXml($"{Taken}/cdroms")).Elements()).Element("file")?.Attribute("id"));
        Assert.NotNull((await _api.GetXml($"{Taken}/cdroms/{Guid.Empty}")).Element("file"));
        foreach (var unknown in new[] { $"disks/{_shared}", $"nics/{TestApi.Unknown}", $"cdroms/{_shared}" })
            await TestApi.FaultOf(await _api.Send(HttpMethod.Get, $"{Taken}/{unknown}"), HttpStatusCode.NotFound);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Get, $"{Vm}/snapshots/{TestApi.Unknown}/disks"), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_snapshot_is_removed_looked_at_and_restored()
    {
        Have();
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, Taken)).StatusCode);
        Assert.Equal((_taken, new HostId(TestApi.Host)), (_api.LastCommand<VmCommand.RemoveSnapshot>().Snapshot, _api.LastCommand<VmCommand.RemoveSnapshot>().Host));

        await TestApi.Xml(await _api.Post($"{Taken}/restore", "<action/>"), HttpStatusCode.OK);
        var look = _api.LastCommand<VmCommand.PreviewSnapshot>();
        Assert.True(look.Restores);
        Assert.Equal([_first, _second], look.Disks.Select(d => d.Disk.Value));

        await TestApi.Xml(await _api.Post($"{Vm}/previewsnapshot",
            $"<action><snapshot id='{_taken}'/><restore_memory>true</restore_memory><disks><disk id='{_second}'/></disks></action>"), HttpStatusCode.OK);
        look = _api.LastCommand<VmCommand.PreviewSnapshot>();
        Assert.False(look.Restores);
        Assert.Equal((_taken, _second), (look.Snapshot, Assert.Single(look.Disks).Disk.Value));

        await TestApi.Xml(await _api.Post($"{Vm}/undosnapshot", "<action/>"), HttpStatusCode.OK);
        _api.LastCommand<VmCommand.UndoSnapshot>();
        await TestApi.Xml(await _api.Post($"{Vm}/commitsnapshot", "<action/>"), HttpStatusCode.OK);
        _api.LastCommand<VmCommand.CommitSnapshot>();
    }

    [Fact]
    public async Task Work_on_what_is_no_snapshot_is_refused()
    {
        Have();
        var active = (string?)(await _api.GetXml($"{Vm}/snapshots")).Elements().Last().Attribute("id");
        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"{Vm}/snapshots/{active}"), HttpStatusCode.Conflict);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"{Vm}/snapshots/{TestApi.Unknown}"), HttpStatusCode.NotFound);
        await Refused($"{Vm}/snapshots/{active}/restore", "<action/>", HttpStatusCode.Conflict, "as it is now");
        await Refused($"{Vm}/previewsnapshot", "<action/>", HttpStatusCode.BadRequest, "snapshot.id");
        await Refused($"{Vm}/previewsnapshot", $"<action><snapshot id='{TestApi.Unknown}'/></action>", HttpStatusCode.NotFound, "");
        await Refused($"{Vm}/previewsnapshot", $"<action><snapshot id='{_taken}'/><disks><disk id='{_shared}'/></disks></action>", HttpStatusCode.BadRequest, "has no disk");
        await Refused($"{Vm}/previewsnapshot",
            $"<action><snapshot id='{_taken}'/><disks><disk id='{_first}'><snapshot id='{TestApi.Unknown}'/></disk></disks></action>", HttpStatusCode.BadRequest, "several snapshots");
        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"{Vm}?detach_only=true"), HttpStatusCode.Conflict);
        await Refused("/vms", $"<vm><name>n</name><snapshots><snapshot id='{TestApi.Unknown}'/></snapshots></vm>", HttpStatusCode.NotFound, "");
        await Refused("/vms", $"<vm><name>n</name><snapshots><snapshot id='{active}'/></snapshots></vm>", HttpStatusCode.NotFound, "");
        await Refused("/vms", $"<vm><name>n</name><snapshots><snapshot id='{_taken}'/><snapshot id='{active}'/></snapshots></vm>", HttpStatusCode.BadRequest, "More than one");
        await Refused("/templates", $"<template><name>n</name><vm id='{TestApi.Vm}'><snapshots><snapshot id='{active}'/></snapshots></vm></template>", HttpStatusCode.Conflict, "as it is now");
        Assert.Empty(_api.Engine.Commands);
    }

    [Fact]
    public async Task A_vm_is_cloned_with_copies_of_its_disks_and_addresses_of_its_own()
    {
        Change(vm => vm with { Config = vm.Config with { Disks = [.. vm.Config.Disks.Take(2)], Nics = [_nic], DeleteProtected = true } });
        var action = await TestApi.Xml(await _api.Post($"{Vm}/clone", "<action><vm><name>twin</name></vm></action>"), HttpStatusCode.OK);
        var made = _api.LastCommand<VmCommand.Create>();
        Assert.Equal(("twin", false, 2), (made.Config.Name, made.Config.DeleteProtected, made.Config.Disks.Length));
        Assert.NotEqual((_nic.Id, _nic.Mac), (made.Config.Nics.Single().Id, made.Config.Nics.Single().Mac));
        Assert.Equal("twin", (string?)(await _api.GetXml($"/vms/{(string?)action.Element("vm")!.Attribute("id")}")).Element("name"));
        Assert.Equal(2, _api.Engine.Commands.Count(c => c.Command is DiskCommand.Create { Source: "/shared/data/x" }));

        foreach (var (body, status) in new[]
        {
            ("<action/>", HttpStatusCode.BadRequest), ("<action><vm/></action>", HttpStatusCode.BadRequest),
            ("<action><vm><name>twin</name></vm></action>", HttpStatusCode.Conflict),
        })
            await TestApi.FaultOf(await _api.Post($"{Vm}/clone", body), status);
        Change(vm => vm with { Status = "up" });
        await TestApi.FaultOf(await _api.Post($"{Vm}/clone", "<action><vm><name>third</name></vm></action>"), HttpStatusCode.Conflict);
        Assert.Single(_api.Engine.Commands, c => c.Command is VmCommand.Create);
    }

    /// <summary>The VM may run: nobody writes the images of its snapshot.</summary>
    [Fact]
    public async Task A_vm_and_a_template_are_made_from_a_snapshot()
    {
        Have();
        Change(vm => vm with { Status = "up", Snapshots = [vm.Snapshots[0] with { Config = vm.Snapshots[0].Config with { Memory = 3L << 30, DeleteProtected = true } }] });
        foreach (var id in new[] { _first, _second })
            _api.Engine.Put(Kinds.Disk, id, _api.Engine.View<DiskView>(Kinds.Disk, id) with { Layers = [new Layer($"/then/{id}", "raw", 1 << 19, _taken)] });

        await TestApi.Xml(await _api.Post("/vms", $"<vm><name>old</name><snapshots><snapshot id='{_taken}'/></snapshots></vm>"), HttpStatusCode.Created);
        var vm = _api.LastCommand<VmCommand.Create>().Config;
        Assert.Equal(("old", 3L << 30, false, 2, TestApi.Cluster), (vm.Name, vm.Memory, vm.DeleteProtected, vm.Disks.Length, vm.Cluster.Value));
        Assert.NotEqual((_nic.Id, _nic.Mac), (vm.Nics.Single().Id, vm.Nics.Single().Mac));

        await TestApi.Xml(await _api.Post("/templates",
            $"<template><name>then</name><vm id='{TestApi.Vm}'><snapshots><snapshot id='{_taken}'/></snapshots></vm></template>"), HttpStatusCode.Accepted);
        Assert.Equal((3L << 30, 2), (_api.LastCommand<TemplateCommand.Create>().Config.Memory, _api.LastCommand<TemplateCommand.Create>().Copies.Length));
        var made = _api.Engine.Commands.Select(c => c.Command).OfType<DiskCommand.Create>().ToList();
        Assert.Equal(4, made.Count);
        Assert.All(made, c => Assert.Equal((1 << 19, "raw", true), (c.Config.ProvisionedSize, c.SourceFormat, c.Source.StartsWith("/then/", StringComparison.Ordinal))));
        Assert.Equal(4, _api.Engine.Commands.Count(c => c.Command is DiskCommand.BeginCopy b && b.Snapshot == _taken));

        Change(vm => vm with { Snapshots = [vm.Snapshots[0] with { Broken = true }] });
        await TestApi.FaultOf(await _api.Post("/vms", $"<vm><name>older</name><snapshots><snapshot id='{_taken}'/></snapshots></vm>"), HttpStatusCode.Conflict);
    }

    private void Have() => Change(vm => vm with
    {
        Snapshots =
        [
            new VmSnapshotView(
                _taken, "one", _api.Clock.Now, vm.Config with { Name = "before", Nics = [_nic], Cdrom = new DiskId(_shared) },
                [new(_first), new(_second)], "ok", false),
        ],
    });

    private void Change(Func<VmView, VmView> change) =>
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, change(_api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm)));

    private async Task Refused(string path, string body, HttpStatusCode status, string says)
    {
        Assert.Contains(says, await TestApi.FaultOf(await _api.Post(path, body), status), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is VmCommand.TakeSnapshot or VmCommand.PreviewSnapshot);
    }
}
