using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>The CD drive of a VM, and the disks that are CDs.</summary>
public sealed class CdromTests : IAsyncLifetime
{
    private static readonly Guid _iso = new("00000000-0000-4000-8000-0000000000b7");
    private static readonly Guid _data = new("00000000-0000-4000-8000-0000000000b8");
    private readonly TestApi _api = new();

    private static string Drive => $"/vms/{TestApi.Vm}/cdroms/{Guid.Empty}";

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        foreach (var (id, content) in new[] { (_iso, "iso"), (_data, "data") })
            _api.Engine.Put(Kinds.Disk, id, new DiskView
            {
                Id = new(id),
                Status = "ok",
                Path = "/shared/data/x",
                CreatedAt = _api.Clock.Now,
                Config = new DiskConfig { Name = content, StorageDomain = new(TestApi.Domain), ProvisionedSize = 1 << 20, Format = "raw", Content = content },
            });
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_cd_is_put_in_and_taken_out_for_the_next_run_and_for_the_guest_that_runs()
    {
        Assert.Null(Assert.Single((await _api.GetXml($"/vms/{TestApi.Vm}/cdroms")).Elements()).Element("file"));
        var put = await TestApi.Xml(await _api.Send(HttpMethod.Put, Drive, $"<cdrom><file id=\"{_iso}\"/></cdrom>"), HttpStatusCode.OK);
        Assert.Equal(_iso.ToString(), (string?)put.Element("file")!.Attribute("id"));
        Assert.True(_api.LastCommand<VmCommand.Update>() is { NextRun: true, Patch.Cdrom: { } cd } && cd.Value == _iso);
        Assert.Null((await _api.GetXml($"{Drive}?current=true")).Element("file"));

        await _api.Send(HttpMethod.Put, $"{Drive}?current=true", $"<cdrom><file id=\"{_iso}\"/></cdrom>");
        Assert.Equal(_iso, _api.LastCommand<VmCommand.ChangeCd>().Disk?.Value);
        await _api.Send(HttpMethod.Put, $"{Drive}?current=true", "<cdrom><file id=\"\"/></cdrom>");
        Assert.Null(_api.LastCommand<VmCommand.ChangeCd>().Disk);

        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"/disks/{_iso}"), HttpStatusCode.Conflict);
        await _api.Send(HttpMethod.Put, Drive, "<cdrom><file id=\"\"/></cdrom>");
        Assert.Null((await _api.GetXml(Drive)).Element("file"));
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, $"/disks/{_iso}")).StatusCode);
    }

    [Fact]
    public async Task A_cd_is_uploaded_while_no_vm_has_it_in_its_drive()
    {
        var body = $"<image_transfer><disk id=\"{_iso}\"/><direction>upload</direction></image_transfer>";
        await TestApi.Xml(await _api.Post("/imagetransfers", body), HttpStatusCode.Created);
        Assert.Equal(TransferDirection.Upload, _api.LastCommand<DiskCommand.BeginTransfer>().Transfer.Direction);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm) with { Cdrom = new DiskId(_iso) });
        Assert.Contains("has it in its CD drive", await TestApi.FaultOf(await _api.Post("/imagetransfers", body), HttpStatusCode.Conflict), StringComparison.Ordinal);
        await TestApi.Xml(await _api.Post("/imagetransfers", body.Replace("upload", "download", StringComparison.Ordinal)), HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_is_no_cd_is_not_put_in()
    {
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, Drive, $"<cdrom><file id=\"{_data}\"/></cdrom>"), HttpStatusCode.Conflict);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, Drive, $"<cdrom><file id=\"{TestApi.Unknown}\"/></cdrom>"), HttpStatusCode.NotFound);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, Drive, "<cdrom><file id=\"cd.iso\"/></cdrom>"), HttpStatusCode.BadRequest);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, Drive, "<cdrom/>"), HttpStatusCode.BadRequest);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Get, $"/vms/{TestApi.Vm}/cdroms/{_iso}"), HttpStatusCode.NotFound);
        await TestApi.FaultOf(await _api.Post($"/disks", "<disk><name>cd</name><provisioned_size>1048576</provisioned_size><format>cow</format>"
            + $"<content_type>iso</content_type><storage_domains><storage_domain id=\"{TestApi.Domain}\"/></storage_domains></disk>"), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_run_once_has_its_own_cd()
    {
        await _api.Post($"/vms/{TestApi.Vm}/start", $"<action><vm><cdroms><cdrom><file id=\"{_iso}\"/></cdrom></cdroms></vm></action>");
        Assert.Equal(_iso, _api.LastCommand<VmCommand.Start>().Once!.Patch.Cdrom?.Value);
    }
}
