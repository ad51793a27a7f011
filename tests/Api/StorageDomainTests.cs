using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Api;

/// <summary>Storage domains of all kinds: where they are, how they come and go, and what is refused.</summary>
public sealed class StorageDomainTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    private static string Attached => $"/datacenters/{TestApi.DataCenter}/storagedomains";

    public Task InitializeAsync() => _api.InitializeAsync();

    public Task DisposeAsync() => _api.DisposeAsync();

    [Theory]
    [InlineData("<type>nfs</type><address>nas</address><path>/export/</path>",
        "nfs nas:/export soft,nosharecache,timeo=100,retrans=3")]
    [InlineData("<type>nfs</type><address>nas</address><path>/export</path><nfs_version>v4_2</nfs_version><nfs_timeo>50</nfs_timeo>",
        "nfs nas:/export soft,nosharecache,timeo=100,retrans=3,vers=4.2,timeo=50")]
    [InlineData("<type>glusterfs</type><path>nas:/volume</path><vfs_type>glusterfs</vfs_type>", "glusterfs nas:/volume ")]
    [InlineData("<type>posixfs</type><path>/dev/sdb1</path><vfs_type>ext4</vfs_type><mount_options>noatime</mount_options>",
        "ext4 /dev/sdb1 noatime")]
    public async Task Hosts_mount_a_domain_in_a_folder_of_its_own(string storage, string mount)
    {
        var made = await TestApi.Xml(await Add(storage), HttpStatusCode.Created);
        var command = _api.LastCommand<StorageDomainCommand.Create>();
        var mounted = command.Config.Mount!;
        Assert.Equal(mount, $"{mounted.Type} {mounted.Source} {mounted.Options}");
        Assert.Equal($"/var/lib/orchestrator/storage/{(string?)made.Attribute("id")}", command.Config.Root);
        Assert.Equal((Opening.Format, "11111111-2222-4333-8444-555555555555"), (command.Opening, command.Config.Installation));
    }

    [Fact]
    public async Task A_folder_that_all_hosts_have_is_used_as_it_was_before()
    {
        await Add("<type>posixfs</type><path>/shared/two</path><vfs_type>none</vfs_type>");
        var command = _api.LastCommand<StorageDomainCommand.Create>();
        Assert.Null(command.Config.Mount);
        Assert.Equal(("/shared/two", Opening.FormatBeside), (command.Config.Root, command.Opening));
        // Made by 0.1.0, whatever kind was said: a folder.
        Assert.Null(new StorageDomainConfig { Name = "old", StorageType = "nfs", Address = "nas", Path = "/shared" }.Mount);
    }

    [Theory]
    [InlineData("<type>nfs</type><path>/export</path>")]
    [InlineData("<type>nfs</type><address>-o</address><path>/export</path>")]
    [InlineData("<type>nfs</type><address>nas</address><path>export</path>")]
    [InlineData("<type>posixfs</type><path>x</path><vfs_type>fuse.sshfs</vfs_type>")]
    [InlineData("<type>posixfs</type><path>x</path><vfs_type>../x</vfs_type>")]
    [InlineData("<type>posixfs</type><path>/x</path><vfs_type>ext4</vfs_type><mount_options>a b</mount_options>")]
    [InlineData("<type>glusterfs</type><path>/volume</path>")]
    [InlineData("<type>iscsi</type>")]
    [InlineData("<type>fcp</type>")]
    public async Task What_cannot_be_mounted_is_refused(string storage)
    {
        var answer = await Add(storage);
        Assert.True(answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotImplemented, answer.StatusCode.ToString());
        Assert.Empty(_api.Engine.Commands);
    }

    [Fact]
    public async Task One_place_is_one_domain()
    {
        const string Nfs = "<type>nfs</type><address>nas</address><path>/export</path>";
        await TestApi.Xml(await Add(Nfs), HttpStatusCode.Created);
        await TestApi.FaultOf(await Add(Nfs, "other"), HttpStatusCode.Conflict);
        await TestApi.Xml(await Add("<type>nfs</type><address>nas</address><path>/other</path>", "other"), HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_domain_is_imported_under_the_id_and_name_that_it_has()
    {
        var label = new DomainLabel(Guid.NewGuid(), "elsewhere", "archive", "data", null);
        _api.HostStorage.Domains = [label];
        var import = $"""
            <storage_domain><import>true</import><host id='{TestApi.Host}'/>
            <storage><type>nfs</type><address>nas</address><path>/export</path></storage></storage_domain>
            """;
        var made = await TestApi.Xml(await _api.Post("/storagedomains", import), HttpStatusCode.Created);
        Assert.Equal((label.Domain.ToString(), "archive"), ((string?)made.Attribute("id"), (string?)made.Element("name")));
        var command = _api.LastCommand<StorageDomainCommand.Create>();
        Assert.Equal((Opening.Import, $"/var/lib/orchestrator/storage/{label.Domain}"), (command.Opening, command.Config.Root));
        Assert.Equal("nas:/export", _api.HostStorage.Asked!.Mount!.Source);

        _api.HostStorage.Domains = [];
        Assert.Contains("No storage domain", await TestApi.FaultOf(await _api.Post("/storagedomains", import.Replace("/export", "/empty", StringComparison.Ordinal)), HttpStatusCode.Conflict), StringComparison.Ordinal);
        _api.HostStorage.Domains = null;
        Assert.Contains("access denied", await TestApi.FaultOf(await _api.Post("/storagedomains", import), HttpStatusCode.Conflict), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_several_domains_at_a_place_one_is_named()
    {
        DomainLabel one = new(Guid.NewGuid(), "elsewhere", "one", "data", null), two = new(Guid.NewGuid(), "elsewhere", "two", "iso", null);
        _api.HostStorage.Domains = [one, two];
        Assert.Contains("Several", await TestApi.FaultOf(await Import(""), HttpStatusCode.Conflict), StringComparison.Ordinal);
        await TestApi.Xml(await Import($" id='{two.Domain}'", "?force=true"), HttpStatusCode.Created);
        var command = _api.LastCommand<StorageDomainCommand.Create>();
        Assert.Equal((Opening.Seize, "iso", "two"), (command.Opening, command.Config.Type, command.Config.Name));

        Task<HttpResponseMessage> Import(string id, string query = "") => _api.Post("/storagedomains" + query, $"""
            <storage_domain{id}><import>true</import><host id='{TestApi.Host}'/>
            <storage><type>posixfs</type><path>/shared/all</path></storage></storage_domain>
            """);
    }

    [Fact]
    public async Task Local_storage_belongs_into_a_local_data_center_and_no_other_does()
    {
        await Add("<type>localfs</type><path>/local</path>");
        var local = _api.LastCommand<StorageDomainCommand.Create>().Config;
        Assert.Equal((new HostId(TestApi.Host), null), (local.Host, local.Mount));
        var id = _api.Engine.Commands.Last().Id;
        await TestApi.FaultOf(await _api.Post(Attached, $"<storage_domain id='{id}'/>"), HttpStatusCode.Conflict);

        Center(isLocal: true);
        await TestApi.Xml(await _api.Post(Attached, $"<storage_domain id='{id}'/>"), HttpStatusCode.Created);
        await TestApi.FaultOf(await _api.Post("/hosts", $"""
            <host><name>host-2</name><address>10.77.0.2</address><root_password>x</root_password><cluster id='{TestApi.Cluster}'/></host>
            """), HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task A_host_that_is_up_looks_at_a_domain_before_it_is_active()
    {
        await Add("<type>nfs</type><address>nas</address><path>/export</path>");
        var id = _api.Engine.Commands.Last().Id;
        var host = _api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host with { Status = "maintenance" });
        await TestApi.FaultOf(await _api.Post(Attached, $"<storage_domain id='{id}'/>"), HttpStatusCode.Conflict);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host);
        await TestApi.Xml(await _api.Post(Attached, $"<storage_domain id='{id}'/>"), HttpStatusCode.Created);
        Assert.Equal(new HostId(TestApi.Host), _api.LastCommand<StorageDomainCommand.Attach>().Host);
    }

    [Fact]
    public async Task A_domain_under_running_guests_stays_in_use()
    {
        _api.Engine.Put(Kinds.Disk, Guid.NewGuid(), new DiskView
        {
            Id = new(Guid.NewGuid()),
            Status = "ok",
            Path = "/x",
            Vms = [new VmId(TestApi.Vm)],
            Config = new DiskConfig { Name = "root", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1 << 30 },
        });
        var vm = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, vm with { Status = "up" });
        Assert.Contains("web", await TestApi.FaultOf(await _api.Post($"{Attached}/{TestApi.Domain}/deactivate", "<action/>"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, vm);
        Assert.Equal(HttpStatusCode.OK, (await _api.Post($"{Attached}/{TestApi.Domain}/deactivate", "<action/>")).StatusCode);
    }

    [Fact]
    public async Task What_is_nearly_full_takes_no_disk()
    {
        var answer = await TestApi.Xml(await _api.Send(HttpMethod.Put, $"/storagedomains/{TestApi.Domain}",
            "<storage_domain><critical_space_action_blocker>2000</critical_space_action_blocker></storage_domain>"), HttpStatusCode.OK);
        Assert.Equal("2000", (string?)answer.Element("critical_space_action_blocker"));
        await TestApi.FaultOf(await _api.Post("/disks", $"""
            <disk><name>d</name><provisioned_size>1</provisioned_size><format>raw</format>
            <storage_domains><storage_domain id='{TestApi.Domain}'/></storage_domains></disk>
            """), HttpStatusCode.Conflict);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"/storagedomains/{TestApi.Domain}",
            "<storage_domain><warning_low_space_indicator>101</warning_low_space_indicator></storage_domain>"), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_connection_is_that_of_its_domain_and_moves_with_it()
    {
        await Add("<type>nfs</type><address>nas</address><path>/export</path><nfs_version>v4_2</nfs_version>");
        var id = _api.Engine.Commands.Last().Id;
        var of = (await _api.GetXml($"/storagedomains/{id}/storageconnections")).Elements().Single();
        var path = $"/storageconnections/{(string?)of.Attribute("id")}";
        Assert.Equal(of.ToString(), (await _api.GetXml(path)).ToString());
        Assert.Equal(("nas", "v4_2"), ((string?)of.Element("address"), (string?)of.Element("nfs_version")));
        Assert.Equal(2, (await _api.GetXml("/storageconnections")).Elements().Count());

        // A client sends back what it has read.
        await TestApi.Xml(await _api.Send(HttpMethod.Put, path, of.ToString()), HttpStatusCode.OK);
        Assert.Null(_api.Engine.Commands.Select(c => c.Command).OfType<StorageDomainCommand.Update>().FirstOrDefault());
        var moved = await TestApi.Xml(await _api.Send(HttpMethod.Put, path,
            "<storage_connection><address>nas-2</address></storage_connection>"), HttpStatusCode.OK);
        Assert.Equal(("nas-2", "/export"), ((string?)moved.Element("address"), (string?)moved.Element("path")));
        Assert.Equal(new StorageLocation("nas-2", "/export", "", "vers=4.2"), _api.LastCommand<StorageDomainCommand.Update>().Patch.Location);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, "/storageconnections/" + TestApi.Unknown, "<storage_connection/>"), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_domain_is_deleted_from_the_storage_only_by_a_host_that_is_named()
    {
        await Add("<type>nfs</type><address>nas</address><path>/export</path>");
        var id = _api.Engine.Commands.Last().Id;
        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"/storagedomains/{id}?format=true"), HttpStatusCode.BadRequest);
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, $"/storagedomains/{id}?format=true&host=host-1")).StatusCode);
        var command = _api.LastCommand<StorageDomainCommand.Remove>();
        Assert.Equal((Removal.Wipe, new HostId(TestApi.Host)), (command.Removal, command.Host));
    }

    private void Center(bool isLocal)
    {
        var center = _api.Engine.View<DataCenterView>(Kinds.DataCenter, TestApi.DataCenter);
        _api.Engine.Put(Kinds.DataCenter, TestApi.DataCenter, center with { Config = center.Config with { Local = isLocal } });
    }

    private Task<HttpResponseMessage> Add(string storage, string name = "two") => _api.Post("/storagedomains",
        $"<storage_domain><name>{name}</name><type>data</type><host><name>host-1</name></host><storage>{storage}</storage></storage_domain>");
}
