using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Transfer;
using Orchestrator.Host.Node;
using Orchestrator.Tests.Agent;
using Orchestrator.Tests.Simulation.Installation;

namespace Orchestrator.Tests.Simulation;

/// <summary>Images by way of an engine node: what goes through is what a host gives and takes.</summary>
public sealed class ImageProxyTests : IAsyncLifetime, IDisposable
{
    private const int Size = 4 << 20;
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-proxy-").FullName;
    private readonly TestAuthority _authority = new(), _others = new("another CA");
    private readonly TransferTickets _secrets = new([1]);
    private readonly ReadTables _tables = new();
    private readonly Guid _transfer = Guid.NewGuid(), _host = Guid.NewGuid();
    private TicketBook _tickets = null!;
    private ImageServer _server = null!;
    private WebApplication _node = null!;
    private HttpClient _client = null!;

    private string Image => Path.Combine(_folder, "00000000-0000-4000-8000-0000000000e1", "images", "image");

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Image)!);
        Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(Image)!)!, "dom_md"));
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(Image)!)!, "dom_md", "metadata"), "OWNER=a\n");
        await File.WriteAllBytesAsync(Image, new byte[Size]);
        _tickets = new TicketBook(Path.Combine(_folder, "sockets"), TimeProvider.System, NullLogger.Instance);
        _server = new ImageServer(new IPEndPoint(IPAddress.Loopback, 0), _authority.Credentials("agent"), _tickets, NullLoggerFactory.Instance);
        await _server.StartAsync(default);
        await Start(_authority.Credentials("engine"));
    }

    public async Task DisposeAsync()
    {
        await _node.DisposeAsync();
        await _server.StopAsync(default);
        await _server.DisposeAsync();
        await _tickets.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public void Dispose()
    {
        _client.Dispose();
        _authority.Dispose();
        _others.Dispose();
    }

    [Fact]
    public async Task What_goes_through_is_what_the_host_takes_and_gives()
    {
        await Given("transferring");
        var content = new byte[Size];
        new Random(1).NextBytes(content);
        Assert.Equal(HttpStatusCode.OK, (await _client.PutAsync(Url(), new ByteArrayContent(content))).StatusCode);
        Assert.Equal(content, await File.ReadAllBytesAsync(Image));
        Assert.Equal(content, await _client.GetByteArrayAsync(Url()));
        var some = new HttpRequestMessage(HttpMethod.Get, Url());
        some.Headers.Range = new RangeHeaderValue(100, 199);
        var part = await _client.SendAsync(some);
        Assert.Equal((HttpStatusCode.PartialContent, $"bytes 100-199/{Size}"), (part.StatusCode, part.Content.Headers.ContentRange!.ToString()));
        Assert.Equal(content[100..200], await part.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.OK, (await _client.PatchAsync(Url(), new StringContent("""{"op":"zero","size":4096,"flush":true}"""))).StatusCode);
        Assert.Equal(new byte[4096], (await File.ReadAllBytesAsync(Image))[..4096]);
        Assert.Contains("\"zero\":true", await _client.GetStringAsync(Url("/extents?context=zero")), StringComparison.Ordinal);
        var beyond = new ByteArrayContent([1]);
        beyond.Headers.TryAddWithoutValidation("Content-Range", $"bytes {Size}-{Size}/*");
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, (await _client.PutAsync(Url(), beyond)).StatusCode);
        await _tickets.Close(_transfer);
        Assert.Equal(HttpStatusCode.Forbidden, (await _client.GetAsync(Url())).StatusCode);
    }

    [Fact]
    public async Task Who_has_no_ticket_is_led_nowhere()
    {
        await Given("paused_user");
        Assert.Equal(HttpStatusCode.Forbidden, (await _client.GetAsync(Url())).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await _client.GetAsync(new Uri(_client.BaseAddress!, $"images/{Guid.NewGuid()}"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri(_client.BaseAddress!, "images/nothing"))).StatusCode);
    }

    [Fact]
    public async Task A_host_that_another_authority_vouches_for_is_not_spoken_to()
    {
        _client.Dispose();
        await _node.DisposeAsync();
        await Start(_others.Credentials("engine"));
        await Given("transferring");
        Assert.Equal(HttpStatusCode.BadGateway, (await _client.PutAsync(Url(), new ByteArrayContent([1]))).StatusCode);
        Assert.Equal(new byte[Size], await File.ReadAllBytesAsync(Image));
    }

    private async Task Start(AgentCredentials credentials)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 1 << 20;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        _node = builder.Build();
        new ImageProxy(new Tables(_tables), _secrets, credentials, TimeProvider.System).Map(_node);
        await _node.StartAsync();
        _client = new HttpClient { BaseAddress = new Uri(_node.Urls.Single()) };
    }

    private async Task Given(string phase)
    {
        var transfer = new ImageTransfer { Id = _transfer, Direction = TransferDirection.Upload, Format = "raw", Host = new HostId(_host) };
        Put(Kinds.ImageTransfer, _transfer, new ImageTransferView { Id = _transfer, Disk = new DiskId(Guid.NewGuid()), Transfer = transfer, Phase = phase });
        Put(Kinds.Host, _host, new HostView
        {
            Id = new HostId(_host),
            Config = new HostConfig { Name = "a", Cluster = default, Address = "localhost" },
            Status = "up",
            Facts = new AgentFacts("uuid", "boot", "0.2.0", "libvirt", "kvm", 4, "model", 1L << 33, "") { ImagePort = _tickets.Port },
        });
        var (report, refusal) = await _tickets.Put(_transfer, new TicketOrder(new Stamp(1), _secrets.Of(_transfer, 1), 1, Image, DiskFormat.Raw, Size)
        {
            Write = true,
            Raw = true,
            Sparse = true,
        });
        Assert.True(report is not null, refusal?.Message);
    }

    private void Put(string kind, Guid id, object view) =>
        _tables.Take(new Orchestrator.Engine.CompanionRow(CompanionDocument.Object, $"{kind}/{id}", 1, WireJson.Write(view)));

    private sealed class Tables(ReadTables tables) : IReadModel
    {
        public Task<Document?> Get(string kind, Guid id, CancellationToken cancel) => Task.FromResult(tables.Find(kind, id)?.Document);

        public Task<IReadOnlyList<Document>> List(ReadQuery query, CancellationToken cancel) => Task.FromResult(tables.List(query));

        public Task<long> Count(ReadQuery query, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmOnHost>> VmsOn(HostId host, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmId>> HighlyAvailableIn(ClusterId cluster, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmCopy>> CopiesOn(HostId host, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<AuditRow>> Events(AuditQuery query, CancellationToken cancel) => throw new NotSupportedException();

        public Task<bool> ClaimName(string kind, string scope, string name, Guid id, CancellationToken cancel) => throw new NotSupportedException();

        public Task ReleaseName(string kind, string scope, string name, Guid id, CancellationToken cancel) => throw new NotSupportedException();
    }

    private Uri Url(string more = "") => new(_client.BaseAddress!, $"images/{_secrets.Of(_transfer, 1)}{more}");
}
