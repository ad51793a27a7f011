using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>disks/{id}/sparsify, reduce and convert; and starts of VMs whose disks are not ready.</summary>
public sealed class DiskRewriteTests : IAsyncLifetime
{
    private readonly Guid _disk = Guid.NewGuid();
    private readonly TestApi _api = new();

    private string Path => $"/disks/{_disk}";

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        _api.Engine.Put(Kinds.Disk, _disk, new DiskView
        {
            Id = new(_disk),
            Status = "ok",
            Path = "/shared/data/image",
            ActualSize = 4 << 20,
            Vms = [new(TestApi.Vm)],
            Config = new DiskConfig { Name = "web_Disk1", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1L << 30 },
        });
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, Vm with { Config = Vm.Config with { Disks = [new DiskAttachment(new(_disk), "virtio", true, true, false)] } });
    }

    private VmView Vm => _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Theory]
    [InlineData("sparsify", "<action/>", RewriteKind.Sparsify, null, null)]
    [InlineData("reduce", "<action/>", RewriteKind.Reduce, null, null)]
    [InlineData("convert", "<action><disk><format>raw</format></disk></action>", RewriteKind.Convert, "raw", null)]
    [InlineData("convert", "<action><disk><format>cow</format><sparse>false</sparse></disk></action>", RewriteKind.Convert, "cow", false)]
    public async Task An_image_is_written_anew_into_a_file_of_its_own(string action, string body, RewriteKind what, string? format, bool? sparse)
    {
        var disk = await _api.GetXml(Path);
        Assert.Equal("4194304", (string?)disk.Element("actual_size"));
        Assert.Contains(disk.Element("actions")!.Elements("link"), l => (string?)l.Attribute("rel") == action);
        Assert.NotNull((await TestApi.Xml(await _api.Post($"{Path}/{action}", body), HttpStatusCode.OK)).Element("job"));
        var command = _api.LastCommand<DiskCommand.Rewrite>();
        Assert.Equal((what, format, sparse, new HostId(TestApi.Host)), (command.What, command.Format, command.Sparse, command.Host));
        Assert.Matches($"/{TestApi.Domain}/images/{_disk}/[0-9a-f-]{{36}}$", command.Path);

        Assert.Contains("web_Disk1 is locked", await TestApi.FaultOf(await _api.Post($"/vms/{TestApi.Vm}/start", "<action/>"), HttpStatusCode.Conflict), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_done_while_a_vm_runs_with_it_or_without_a_wish()
    {
        await TestApi.FaultOf(await _api.Post($"{Path}/convert", "<action/>"), HttpStatusCode.BadRequest);
        await TestApi.FaultOf(await _api.Post($"{Path}/convert", "<action><disk/></action>"), HttpStatusCode.BadRequest);
        await TestApi.FaultOf(await _api.Post($"{Path}/convert", "<action><disk><format>vmdk</format></disk></action>"), HttpStatusCode.BadRequest);
        await TestApi.FaultOf(await _api.Post($"/disks/{TestApi.Unknown}/sparsify", "<action/>"), HttpStatusCode.NotFound);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, Vm with { Status = "up" });
        foreach (var action in new[] { "sparsify", "reduce", "convert" })
            Assert.Contains(Vm.Config.Name, await TestApi.FaultOf(
                await _api.Post($"{Path}/{action}", "<action><disk><format>raw</format></disk></action>"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is DiskCommand.Rewrite);
    }
}
