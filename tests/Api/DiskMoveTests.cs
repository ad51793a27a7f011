using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;

namespace Orchestrator.Tests.Api;

/// <summary>disks/{id}/move: to which storage domains, and what is refused. Bigger disks.</summary>
public sealed class DiskMoveTests : IAsyncLifetime
{
    private readonly Guid _disk = Guid.NewGuid(), _second = Guid.NewGuid();
    private readonly TestApi _api = new();

    private string Path => $"/disks/{_disk}/move";

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        _api.Engine.Put(Kinds.Disk, _disk, new DiskView
        {
            Id = new(_disk),
            Status = "ok",
            Path = "/shared/data/image",
            Config = new DiskConfig { Name = "web_Disk1", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1L << 30 },
        });
        _api.Engine.Put(Kinds.StorageDomain, _second, _api.Engine.View<StorageDomainView>(Kinds.StorageDomain, TestApi.Domain) with
        {
            Id = new(_second),
            Config = new StorageDomainConfig { Name = "data-2", Path = "/shared/second/" },
        });
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_disk_is_moved_to_a_file_of_its_own_in_the_other_domain()
    {
        var disk = await _api.GetXml($"/disks/{_disk}");
        Assert.EndsWith(Path, (string?)disk.Element("actions")!.Elements("link").Single(l => (string?)l.Attribute("rel") == "move").Attribute("href"), StringComparison.Ordinal);
        var action = await TestApi.Xml(
            await _api.Post(Path, "<action><storage_domain><name>data-2</name></storage_domain><async>true</async></action>"), HttpStatusCode.OK);
        Assert.NotNull(action.Element("job"));
        var command = _api.LastCommand<DiskCommand.Move>();
        Assert.Equal((new StorageDomainId(_second), "data-2", new HostId(TestApi.Host)), (command.To.Domain, command.To.Name, command.Host));
        Assert.Matches($"^/shared/second/{_second}/images/{_disk}/[0-9a-f-]{{36}}$", command.To.Path);
    }

    [Fact]
    public async Task A_disk_is_copied_to_another_domain_under_another_name()
    {
        var action = await TestApi.Xml(
            await _api.Post($"/disks/{_disk}/copy", "<action><storage_domain><name>data-2</name></storage_domain><disk><name>copy</name></disk></action>"), HttpStatusCode.OK);
        var command = _api.LastCommand<DiskCommand.Create>();
        Assert.Equal((string?)action.Element("job")!.Attribute("id"), command.Origin.Job.ToString());
        Assert.Equal(("copy", new StorageDomainId(_second), "/shared/data/image"), (command.Config.Name, command.Config.StorageDomain, command.Source));
        Assert.StartsWith($"/shared/second/{_second}/images/", command.Path, StringComparison.Ordinal);
        Assert.EndsWith((string?)action.Element("disk")!.Attribute("id"), command.Path, StringComparison.Ordinal);

        // Not while its VM runs, nor while the disk is worked on, nor to nowhere.
        var disk = _api.Engine.View<DiskView>(Kinds.Disk, _disk);
        _api.Engine.Put(Kinds.Disk, _disk, disk with { Vms = [new(TestApi.Vm)] });
        var vm = _api.Engine.View<Actors.Vm.VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, vm with { Status = "up" });
        var made = _api.Engine.Commands.Count;
        const string To = "<action><storage_domain><name>data-2</name></storage_domain></action>";
        Assert.Contains(vm.Config.Name, await TestApi.FaultOf(await _api.Post($"/disks/{_disk}/copy", To), HttpStatusCode.Conflict), StringComparison.Ordinal);
        _api.Engine.Put(Kinds.Disk, _disk, disk with { Status = "locked" });
        await TestApi.FaultOf(await _api.Post($"/disks/{_disk}/copy", To), HttpStatusCode.Conflict);
        await TestApi.FaultOf(await _api.Post($"/disks/{_disk}/copy", "<action/>"), HttpStatusCode.BadRequest);
        Assert.Equal(made, _api.Engine.Commands.Count);
    }

    [Theory]
    [InlineData("<action/>", HttpStatusCode.BadRequest, "storageDomain.id|name")]
    [InlineData("<action><storage_domain id='99999999-0000-4000-8000-000000000000'/></action>", HttpStatusCode.NotFound, "")]
    [InlineData("<action><storage_domain><name>nowhere</name></storage_domain></action>", HttpStatusCode.NotFound, "nowhere")]
    [InlineData("<vm/>", HttpStatusCode.BadRequest, "")]
    public async Task What_names_no_storage_domain_is_refused(string body, HttpStatusCode status, string says)
    {
        var response = await _api.Post(Path, body);
        Assert.Equal(status, response.StatusCode);
        Assert.Contains(says, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.Move);
    }

    [Fact]
    public async Task A_disk_is_made_bigger_and_never_smaller()
    {
        var disk = await TestApi.Xml(await _api.Send(HttpMethod.Put, $"/disks/{_disk}", "<disk><provisioned_size>2147483648</provisioned_size></disk>"), HttpStatusCode.OK);
        Assert.Equal("locked", (string?)disk.Element("status"));
        var command = _api.LastCommand<DiskCommand.Grow>();
        Assert.Equal((2L << 30, new HostId(TestApi.Host)), (command.Size, command.Host));
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.Update);
        // A disk on which work is under way keeps its name, too.
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"/disks/{_disk}",
            "<disk><name>other</name><provisioned_size>4294967296</provisioned_size></disk>"), HttpStatusCode.Conflict);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.Update);
        Assert.Contains("only become bigger", await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"/disks/{_disk}",
            "<disk><name>other</name><provisioned_size>1024</provisioned_size></disk>"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.Update);
    }

    [Fact]
    public async Task A_domain_that_is_not_active_or_of_another_data_center_is_refused()
    {
        var body = $"<action><storage_domain id='{_second}'/></action>";
        var domain = _api.Engine.View<StorageDomainView>(Kinds.StorageDomain, _second);
        _api.Engine.Put(Kinds.StorageDomain, _second, domain with { Status = "maintenance" });
        Assert.Contains("not active", await TestApi.FaultOf(await _api.Post(Path, body), HttpStatusCode.Conflict), StringComparison.Ordinal);
        _api.Engine.Put(Kinds.StorageDomain, _second, domain with { DataCenter = new(Guid.NewGuid()) });
        Assert.Contains("not attached", await TestApi.FaultOf(await _api.Post(Path, body), HttpStatusCode.Conflict), StringComparison.Ordinal);
        _api.Engine.Put(Kinds.StorageDomain, _second, domain with { DataCenter = null, Status = "unattached" });
        Assert.Contains("not attached", await TestApi.FaultOf(await _api.Post(Path, body), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.Move);
    }
}
