using System.IO.Compression;
using System.Net;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>Corners of the protocol that clients of oVirt rely on, each with its own test.</summary>
public sealed class ProtocolTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public async Task InitializeAsync() => await _api.InitializeAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task Large_answers_are_packed_for_who_asks_and_small_ones_are_not()
    {
        for (var number = 0; number < 20; number++) Vm($"vm-{number}", null, []);
        var packed = await _api.Send(HttpMethod.Get, "/vms", headers: ("Accept-Encoding", "gzip"));
        Assert.Equal(["gzip"], packed.Content.Headers.ContentEncoding);
        Assert.Contains("Accept-Encoding", packed.Headers.Vary);
        var bytes = await packed.Content.ReadAsByteArrayAsync();
        using var plain = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        Assert.Equal(21, XElement.Load(plain).Elements().Count());
        Assert.Empty((await _api.Send(HttpMethod.Get, "/vms")).Content.Headers.ContentEncoding);
        var small = await _api.Send(HttpMethod.Get, "/jobs", headers: ("Accept-Encoding", "gzip"));
        Assert.Empty(small.Content.Headers.ContentEncoding);
        Assert.Empty(XElement.Parse(await small.Content.ReadAsStringAsync()).Elements());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/vms")]
    [InlineData("/vms/00000000-0000-4000-8000-0000000000f1")]
    [InlineData("/events")]
    [InlineData("/jobs")]
    [InlineData("/hosts/00000000-0000-4000-8000-0000000000a1/statistics")]
    public async Task Head_is_get_without_its_body(string path)
    {
        var get = await _api.Send(HttpMethod.Get, path);
        var head = await _api.Send(HttpMethod.Head, path);
        Assert.Equal(get.StatusCode, head.StatusCode);
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Send(HttpMethod.Head, $"/vms/{TestApi.Unknown}")).StatusCode);
    }

    [Fact]
    public async Task The_form_is_chosen_by_the_query_before_the_header()
    {
        async Task<string?> Type(string path, string accept) =>
            (await _api.Send(HttpMethod.Get, path, headers: ("Accept", accept))).Content.Headers.ContentType?.MediaType;
        Assert.Equal("application/json", await Type("/vms?accept=application/json", "application/xml"));
        Assert.Equal("application/xml", await Type("/vms?accept=application/xml", "application/json"));
        Assert.Equal("application/xml", await Type("/vms", "text/html, */*;q=0.1"));
        Assert.Equal("application/json", await Type("/vms", "application/xml;q=0.2, application/json"));
        Assert.Equal(HttpStatusCode.NotAcceptable, (await _api.Send(HttpMethod.Get, "/vms?accept=text/plain")).StatusCode);
    }

    [Fact]
    public async Task What_oVirt_does_not_have_or_ignores_changes_nothing()
    {
        var plain = await (await _api.Send(HttpMethod.Get, "/vms")).Content.ReadAsStringAsync();
        var dressed = await _api.Send(HttpMethod.Get, "/vms?all_content=true&max=notanumber&unknown=1&filter=maybe", headers:
            [("Accept-Language", "de-CH, tlh;q=0.9, ;;;"), ("All-Content", "true"), ("If-None-Match", "*"), ("If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT")]);
        Assert.Equal(HttpStatusCode.OK, dressed.StatusCode);
        Assert.Equal(plain, await dressed.Content.ReadAsStringAsync());
        Assert.Null(dressed.Headers.ETag);
        var fault = await _api.Send(HttpMethod.Get, $"/vms/{TestApi.Unknown}", headers: ("Accept-Language", "zz-ZZ"));
        Assert.Contains("Entity not found", await TestApi.FaultOf(fault, HttpStatusCode.NotFound), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Versions_and_matrix_parameters()
    {
        foreach (var path in new[] { "/v4/vms", "/vms;max=1", "/v4/vms;max=1", "/vms/" })
            Assert.Single((await _api.GetXml(path)).Elements());
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Send(HttpMethod.Get, "/v3/vms")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Send(HttpMethod.Get, "/vms", headers: ("Version", "5"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Get, "/vms", headers: ("Version", "4"))).StatusCode);
        Assert.Empty((await _api.GetXml("/vms;max=0")).Elements());
        // The query goes before the matrix.
        Assert.Single((await _api.GetXml("/vms;max=0?max=1")).Elements());
    }

    [Fact]
    public async Task Actions_say_whether_they_go_on()
    {
        var complete = await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/start?correlation_id=c-9", "<action/>"), HttpStatusCode.OK);
        Assert.Equal("complete", (string)complete.Element("status")!);
        Assert.NotNull(complete.Element("job")!.Attribute("href"));
        var pending = await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/stop?async=true", "<action/>"), HttpStatusCode.Accepted);
        Assert.Equal("in_progress", (string)pending.Element("status")!);
        Assert.Equal("c-9", _api.LastCommand<VmCommand.Start>().Origin.Correlation);
    }

    [Fact]
    public async Task Booleans_and_whole_numbers_are_strings_in_json_and_both_are_taken()
    {
        var vm = await _api.GetJson($"/vms/{TestApi.Vm}");
        Assert.Equal("false", (string)vm["stateless"]!);
        Assert.Equal((1L << 30).ToString(), (string)vm["memory"]!);
        Assert.Equal(System.Text.Json.JsonValueKind.Number, vm["creation_time"]!.GetValueKind());
        Assert.Equal("{}", (await (await _api.Send(HttpMethod.Get, "/vmpools", headers: ("Accept", "application/json"))).Content.ReadAsStringAsync())
            .Replace("\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
        foreach (var body in new[] { "{\"comment\":\"a\",\"stateless\":true,\"memory\":1073741824}", "{\"comment\":\"b\",\"stateless\":\"True\",\"memory\":\"1073741824\",\"colour\":{\"x\":[1]}}" })
            (await _api.Send(HttpMethod.Put, $"/vms/{TestApi.Vm}", body, "application/json")).EnsureSuccessStatusCode();
    }

    /// <summary>One statement for the VMs, one for their guests, one for each kind behind them; not one for each VM.</summary>
    [Fact]
    public async Task Follow_does_not_ask_for_each_vm()
    {
        for (var number = 0; number < 30; number++)
        {
            var disk = Guid.NewGuid();
            _api.Engine.Put(Kinds.Disk, disk, new DiskView
            {
                Id = new(disk),
                Status = "ok",
                Path = "/p",
                Config = new DiskConfig { Name = $"disk-{number}", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1 },
            });
            Vm($"vm-{number:00}", new(TestApi.Host), [new(new DiskId(disk), "virtio", true, true, false)]);
        }

        await _api.GetXml("/vms");
        var (gets, lists) = (_api.Engine.Gets, _api.Engine.Queries.Count);
        var vms = await _api.GetXml("/vms?search=name%3Dvm-*&follow=nics,disk_attachments.disk.storage_domains,host.cluster,statistics");
        Assert.Equal(30, vms.Elements().Count());
        Assert.All(vms.Elements(), vm => Assert.StartsWith("disk-", (string)vm.Element("disk_attachments")!.Element("disk_attachment")!.Element("disk")!.Element("name")!, StringComparison.Ordinal));
        Assert.All(vms.Elements(), vm => Assert.Equal("Default", (string?)vm.Element("host")!.Element("cluster")!.Element("name")));
        Assert.InRange(_api.Engine.Queries.Count - lists, 1, 5);
        Assert.InRange(_api.Engine.Gets - gets, 0, 5);
    }

    private void Vm(string name, HostId? host, System.Collections.Immutable.ImmutableArray<DiskAttachment> disks)
    {
        var id = Guid.NewGuid();
        _api.Engine.Put(Kinds.Vm, id, new VmView
        {
            Id = new(id),
            Status = host is null ? "down" : "up",
            VmState = "down",
            PowerState = "off",
            CreatedAt = _api.Clock.Now,
            Host = host,
            Config = new VmConfig { Name = name, Cluster = new(TestApi.Cluster), Disks = disks },
        });
    }
}
