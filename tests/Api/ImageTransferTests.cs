using System.Net;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>Transfers as oVirt's SDK asks for them, and what is refused before anything is changed.</summary>
public sealed class ImageTransferTests : IAsyncLifetime
{
    private readonly TestApi _api = new();
    private readonly Guid _disk = new("00000000-0000-4000-8000-0000000000b7");

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        _api.Engine.Put(Kinds.Disk, _disk, new DiskView
        {
            Id = new(_disk),
            Config = new DiskConfig { Name = "web_Disk1", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1L << 30 },
            Status = "ok",
            Path = "/data/image",
            Vms = [new VmId(TestApi.Vm)],
        });
        var vm = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, vm with { Status = "down" });
        var host = _api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host with
        {
            Status = "up",
            Facts = new AgentFacts("uuid", "boot", "0.2.0", "libvirt", "kvm", 4, "model", 1L << 33, "qemu+tls://a/system") { ImagePort = 54322 },
        });
    }

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task An_upload_as_the_sdk_asks_for_it()
    {
        var response = await _api.Post("/imagetransfers", $"""
            <image_transfer><direction>upload</direction><format>raw</format><inactivity_timeout>120</inactivity_timeout>
            <timeout_policy>cancel</timeout_policy><disk id="{_disk}"/></image_transfer>
            """);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        var command = Begun();
        Assert.Equal(
            (TransferDirection.Upload, "raw", 120, TransferTimeout.Cancel, new HostId(TestApi.Host), command.Origin.Job.Value),
            (command.Transfer.Direction, command.Transfer.Format, command.Transfer.InactivitySeconds, command.Transfer.Timeout, command.Transfer.Host, command.Transfer.Id));
        var transfer = XElement.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(command.Transfer.Id.ToString(), transfer.Attribute("id")!.Value);
        Assert.Equal("initializing", transfer.Element("phase")!.Value);
        Assert.Null(transfer.Element("transfer_url"));
    }

    [Fact]
    public async Task What_is_not_said_is_as_in_ovirt()
    {
        Assert.Equal(HttpStatusCode.Created, (await _api.Post("/imagetransfers", $"<image_transfer><image id='{_disk}'/></image_transfer>")).StatusCode);
        var transfer = Begun().Transfer;
        Assert.Equal(
            (TransferDirection.Upload, "cow", 60, TransferTimeout.Legacy, false),
            (transfer.Direction, transfer.Format, transfer.InactivitySeconds, transfer.Timeout, transfer.Shallow));
    }

    [Fact]
    public async Task The_url_is_there_while_the_client_is_let_in_and_is_another_one_after_each_pause()
    {
        var (one, id) = (await Url(Put("transferring", 1)), Put("transferring", 1));
        Assert.Matches("^https://[^/]+:54322/images/[0-9a-f-]{36}$", one!);
        Assert.Equal(one, await Url(id));
        Assert.NotEqual(one, await Url(Put("transferring", 2)));
        Assert.Null(await Url(Put("paused_user", 2)));
        Assert.Null(await Url(Put("finished_success", 2, ended: true)));
        Assert.DoesNotContain(one!.Split('/')[^1], _api.Engine.Commands.Select(c => c.Command.ToString()));
    }

    [Theory]
    [InlineData("extend", TransferAction.Extend)]
    [InlineData("pause", TransferAction.Pause)]
    [InlineData("resume", TransferAction.Resume)]
    [InlineData("cancel", TransferAction.Cancel)]
    [InlineData("finalize", TransferAction.Finalize)]
    public async Task An_action_goes_to_the_disk(string action, TransferAction expected)
    {
        var id = Put("transferring", 1);
        Assert.Equal(HttpStatusCode.OK, (await _api.Post($"/imagetransfers/{id}/{action}", "<action/>")).StatusCode);
        var command = (DiskCommand.OrderTransfer)_api.Engine.Commands.Single(c => c.Command is DiskCommand.OrderTransfer).Command;
        Assert.Equal((id, expected), (command.Transfer, command.Action));
        Put("finished_failure", 1, ended: true);
        Assert.Equal(HttpStatusCode.Conflict, (await _api.Post($"/imagetransfers/{id}/{action}", "<action/>")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Post($"/imagetransfers/{TestApi.Unknown}/{action}", "<action/>")).StatusCode);
    }

    [Fact]
    public async Task All_of_them_are_listed()
    {
        Assert.Empty((await _api.GetXml("/imagetransfers")).Elements());
        var id = Put("transferring", 1);
        var json = (await _api.GetJson("/imagetransfers"))["image_transfer"]![0]!;
        Assert.Equal((id.ToString(), "upload", "0", "true"), ((string)json["id"]!, (string)json["direction"]!, (string)json["transferred"]!, (string)json["active"]!));
        Assert.Equal(_disk.ToString(), (string)json["image"]!["id"]!);
    }

    [Theory]
    [InlineData("<image_transfer/>", HttpStatusCode.BadRequest, "disk.id|image.id")]
    [InlineData("<image_transfer><disk id='99999999-0000-4000-8000-000000000000'/></image_transfer>", HttpStatusCode.NotFound, "")]
    [InlineData("<image_transfer><image id='99999999-0000-4000-8000-000000000000'/></image_transfer>", HttpStatusCode.NotFound, "")]
    [InlineData("<image_transfer><disk id='DISK'/><direction>sideways</direction></image_transfer>", HttpStatusCode.BadRequest, "")]
    [InlineData("<image_transfer><disk id='DISK'/><format>vmdk</format></image_transfer>", HttpStatusCode.BadRequest, "")]
    [InlineData("<image_transfer><disk id='DISK'/><timeout_policy>never</timeout_policy></image_transfer>", HttpStatusCode.BadRequest, "")]
    [InlineData("<image_transfer><disk id='DISK'/><inactivity_timeout>-1</inactivity_timeout></image_transfer>", HttpStatusCode.BadRequest, "inactivity_timeout")]
    [InlineData("<image_transfer><snapshot id='DISK'/></image_transfer>", HttpStatusCode.BadRequest, "snapshot")]
    [InlineData("<image_transfer><disk id='DISK'/><host id='99999999-0000-4000-8000-000000000000'/></image_transfer>", HttpStatusCode.NotFound, "")]
    [InlineData("<vm/>", HttpStatusCode.BadRequest, "")]
    public async Task What_cannot_be_is_refused(string body, HttpStatusCode status, string says)
    {
        var response = await _api.Post("/imagetransfers", body.Replace("DISK", _disk.ToString(), StringComparison.Ordinal));
        Assert.Equal(status, response.StatusCode);
        Assert.Contains(says, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.BeginTransfer);
    }

    [Fact]
    public async Task A_disk_of_a_vm_that_is_not_down_is_refused()
    {
        var vm = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, vm with { Status = "up" });
        var said = await TestApi.FaultOf(
            await _api.Post("/imagetransfers", $"<image_transfer><disk id='{_disk}'/></image_transfer>"), HttpStatusCode.Conflict);
        Assert.Contains("must be down", said, StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.BeginTransfer);
    }

    private DiskCommand.BeginTransfer Begun() =>
        (DiskCommand.BeginTransfer)_api.Engine.Commands.Single(c => c.Command is DiskCommand.BeginTransfer).Command;

    private Guid Put(string phase, int session, bool ended = false)
    {
        var id = new Guid("00000000-0000-4000-8000-0000000000b8");
        _api.Engine.Put(Kinds.ImageTransfer, id, new ImageTransferView
        {
            Id = id,
            Disk = new DiskId(_disk),
            Transfer = new ImageTransfer { Id = id, Direction = TransferDirection.Upload, Format = "raw", Host = new HostId(TestApi.Host), Session = session },
            Phase = phase,
            EndedAt = ended ? _api.Clock.GetUtcNow() : null,
        });
        return id;
    }

    private async Task<string?> Url(Guid id) => (await _api.GetXml($"/imagetransfers/{id}")).Element("transfer_url")?.Value;
}
