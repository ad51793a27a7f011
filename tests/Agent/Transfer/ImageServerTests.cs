using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;
using Orchestrator.Agent.Transfer;

namespace Orchestrator.Tests.Agent.Transfer;

/// <summary>imageio's protocol over real sockets and TLS, on real images: what a client has written is in the image, and nobody
/// without a ticket writes any.</summary>
public sealed class ImageServerTests : IAsyncLifetime
{
    private const int Size = 8 << 20;
    private const string QemuImg = "/usr/bin/qemu-img", QemuNbd = "/usr/bin/qemu-nbd";
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-transfers-").FullName;
    private readonly TestAuthority _authority = new();
    private readonly Guid _domain = Guid.NewGuid(), _transfer = Guid.NewGuid(), _secret = Guid.NewGuid();
    private TicketBook _tickets = null!;
    private ImageServer _server = null!;
    private HttpClient _client = null!;

    private string Image => Path.Combine(_folder, _domain.ToString(), "images", "disk", "image");

    private static byte[] Content { get; } = Random(Size);

    public async Task InitializeAsync()
    {
        _ = DomainFolderOf();
        await Start();
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.StopAsync(default);
        await _server.DisposeAsync();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_whole_image_goes_up_and_comes_down()
    {
        await Raw(write: true);
        Assert.Equal(HttpStatusCode.OK, (await Put(Content)).StatusCode);
        Assert.Equal(Content, await File.ReadAllBytesAsync(Image));
        Assert.Equal(Content, await _client.GetByteArrayAsync(Url()));
        Assert.Equal(2L * Size, (await Report()).Transferred);
    }

    [Fact]
    public async Task A_client_goes_on_where_it_was_cut_off()
    {
        await Raw(write: true);
        await Cut(Size / 2);
        Assert.Equal(HttpStatusCode.OK, (await Put(Content[(Size / 4)..], Size / 4)).StatusCode);
        Assert.Equal(Content, await File.ReadAllBytesAsync(Image));
    }

    [Theory]
    [InlineData("bytes=0-4095", 0, 4096)]
    [InlineData("bytes=4095-4095", 4095, 1)]
    [InlineData("bytes=1048577-", 1048577, Size - 1048577)]
    [InlineData("bytes=-512", Size - 512, 512)]
    public async Task A_range_is_what_was_asked_for(string range, int start, int length)
    {
        await Raw(write: false, Content);
        var response = await Get(range);
        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal($"bytes {start}-{start + length - 1}/{Size}", response.Content.Headers.ContentRange!.ToString());
        Assert.Equal(Content[start..(start + length)], await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("bytes=8388608-", HttpStatusCode.RequestedRangeNotSatisfiable)]
    [InlineData("bytes=0-8388608", HttpStatusCode.RequestedRangeNotSatisfiable)]
    [InlineData("bytes=0-1,4-5", HttpStatusCode.RequestedRangeNotSatisfiable)]
    [InlineData("bytes=x-", HttpStatusCode.BadRequest)]
    [InlineData("bytes=9-5", HttpStatusCode.BadRequest)]
    [InlineData("bytes=99999999999999999999-", HttpStatusCode.BadRequest)]
    public async Task A_range_that_is_none_is_refused(string range, HttpStatusCode status)
    {
        await Raw(write: false, Content);
        Assert.Equal(status, (await Get(range)).StatusCode);
    }

    [Fact]
    public async Task Nothing_is_written_beyond_the_image()
    {
        await Raw(write: true);
        var response = await Put(new byte[4096], Size - 4095);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal($"bytes */{Size}", response.Content.Headers.ContentRange!.ToString());
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, (await Patch($$"""{"op":"zero","offset":1,"size":{{Size}}}""")).StatusCode);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, (await Patch($$"""{"op":"zero","offset":{{long.MaxValue}},"size":{{long.MaxValue}}}""")).StatusCode);
        Assert.Equal(Size, new FileInfo(Image).Length);
    }

    [Theory]
    [InlineData("{}", "Unknown operation")]
    [InlineData("""{"op":"zero"}""", "'size'")]
    [InlineData("""{"op":"zero","size":-1}""", "'size'")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("nonsense", "")]
    public async Task A_patch_that_is_none_is_refused(string body, string says)
    {
        await Raw(write: true, Content);
        var response = await Patch(body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(says, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(Content, await File.ReadAllBytesAsync(Image));
    }

    [Fact]
    public async Task Nobody_comes_in_without_a_ticket_or_with_one_that_is_over()
    {
        await Raw(write: true);
        Assert.Equal(HttpStatusCode.Forbidden, (await _client.GetAsync(Url(Guid.NewGuid()))).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await _client.GetAsync(new Uri(_client.BaseAddress!, "images/no-such-ticket"))).StatusCode);
        await _tickets.End(_transfer, 1);
        Assert.Equal(HttpStatusCode.Forbidden, (await Put([1])).StatusCode);
        Assert.Equal(RefusalCode.StaleOrder, (await _tickets.Put(_transfer, Order(write: true))).Refusal!.Code);
        Assert.NotNull((await _tickets.Put(_transfer, Order(write: true) with { Session = 2 })).Report);
        Assert.Equal(HttpStatusCode.OK, (await Put([1])).StatusCode);
        await _tickets.Close(_transfer);
        Assert.Equal(HttpStatusCode.Forbidden, (await Put([2])).StatusCode);
        Assert.Equal(RefusalCode.StaleOrder, (await _tickets.Put(_transfer, Order(write: true) with { Session = 3 })).Refusal!.Code);
        Assert.Equal(1, (await File.ReadAllBytesAsync(Image))[0]);
    }

    [Fact]
    public async Task A_ticket_that_nobody_renews_ends()
    {
        await Raw(write: false, Content, order => order with { ValidSeconds = 1 });
        Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync(Url())).StatusCode);
        var waiting = Stopwatch.StartNew();
        while ((await _client.SendAsync(new HttpRequestMessage(HttpMethod.Options, Url()))).StatusCode == HttpStatusCode.OK) Assert.True(waiting.Elapsed < TimeSpan.FromSeconds(20));
        Assert.NotNull((await _tickets.Put(_transfer, Order(write: false))).Report);
        Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync(Url())).StatusCode);
    }

    [Fact]
    public async Task What_a_closed_upload_was_sent_before_an_agent_was_restarted_is_refused_after_it()
    {
        _tickets.Remember([new ImageJob.CloseUpload(_transfer, Image, DiskFormat.Raw, Size)]);
        await Empty(DiskFormat.Raw);
        Assert.Equal(RefusalCode.StaleOrder, (await _tickets.Put(_transfer, Order(write: true))).Refusal!.Code);
    }

    /// <summary>The end waits for the client's write, and cuts it short.</summary>
    [Fact]
    public async Task An_end_breaks_off_who_is_writing()
    {
        await Raw(write: true);
        using var stream = await Begin(Size);
        await stream.WriteAsync(Content.AsMemory(0, Size / 2));
        var waiting = Stopwatch.StartNew();
        while ((await Report()).Transferred == 0) Assert.True(waiting.Elapsed < TimeSpan.FromSeconds(20));
        await _tickets.Close(_transfer);
        var before = await File.ReadAllBytesAsync(Image);
        try
        {
            await stream.WriteAsync(Content.AsMemory(Size / 2));
        }
        catch (IOException)
        {
            // It was hung up on.
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(Image));
    }

    [Fact]
    public async Task Who_may_only_read_does_not_write()
    {
        await Raw(write: false, Content);
        Assert.Equal(HttpStatusCode.Forbidden, (await Put([0])).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await Patch("""{"op":"zero","size":4096}""")).StatusCode);
        Assert.Equal(["extents"], (await Options())["features"]!.AsArray().Select(f => (string?)f));
        Assert.Equal(Content, await File.ReadAllBytesAsync(Image));
    }

    [Fact]
    public async Task A_client_learns_what_there_is()
    {
        await Raw(write: true);
        var options = await Options();
        Assert.Equal(["extents", "zero", "flush"], options["features"]!.AsArray().Select(f => (string?)f));
        Assert.Equal((8, 8), ((int)options["max_readers"]!, (int)options["max_writers"]!));
        Assert.Equal(HttpStatusCode.OK, (await Patch("""{"op":"flush"}""")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await Put([0], query: "?flush=maybe")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Put([0], query: "?flush=n")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(Url(path: "/checksum"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(Url(path: "/extents?context=dirty"))).StatusCode);
    }

    [Fact]
    public async Task Zeros_take_no_room()
    {
        await Raw(write: true);
        var content = (byte[])Content.Clone();
        content.AsSpan(1 << 20, 6 << 20).Clear();
        Assert.Equal(HttpStatusCode.OK, (await Put(content)).StatusCode);
        Assert.Equal(content, await File.ReadAllBytesAsync(Image));
        Assert.InRange(Used(), 1, 3 << 20);
        Assert.Equal([(0, 1 << 20, false), (1 << 20, 6 << 20, true), (7 << 20, 1 << 20, false)], await Extents());
        Assert.Equal(HttpStatusCode.OK, (await Patch("""{"op":"zero","offset":100,"size":1048476,"flush":true}""")).StatusCode);
        content.AsSpan(100, 1048476).Clear();
        Assert.Equal(content, await File.ReadAllBytesAsync(Image));
    }

    [SkippableFact]
    public async Task A_cow_image_is_seen_as_a_guest_sees_it()
    {
        Skip.IfNot(File.Exists(QemuImg) && File.Exists(QemuNbd), "qemu-img or qemu-nbd is not there");
        await Empty(DiskFormat.Qcow2);
        await Given(Order(write: true, DiskFormat.Qcow2));
        var content = (byte[])Content.Clone();
        content.AsSpan(1 << 20, 6 << 20).Clear();
        Assert.Equal(HttpStatusCode.OK, (await Put(content)).StatusCode);
        Assert.Equal(content, await _client.GetByteArrayAsync(Url()));
        Assert.Equal([(0, 1 << 20, false), (1 << 20, 6 << 20, true), (7 << 20, 1 << 20, false)], await Extents());
        Assert.InRange(Used(), 1, 4 << 20);
        Assert.Equal(HttpStatusCode.OK, (await Patch("""{"op":"zero","offset":0,"size":65536,"flush":true}""")).StatusCode);
        content.AsSpan(0, 65536).Clear();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(n => Put(Content[(n << 16)..((n + 1) << 16)], (1 << 20) + (n << 16))));
        Content.AsSpan(0, 1 << 20).CopyTo(content.AsSpan(1 << 20));
        var job = new ImageJob.CloseUpload(_transfer, Image, DiskFormat.Qcow2, Size);
        Assert.Equal(Size, (await Close(job)).Image!.VirtualBytes);
        Assert.Equal(content, await Seen());
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "sockets")));
    }

    /// <summary>As <c>format=cow</c> gives it: the file, byte for byte.</summary>
    [SkippableFact]
    public async Task A_cow_image_goes_up_as_the_file_that_it_is()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var other = Path.Combine(_folder, "other");
        await Qemu("create", "-q", "-f", "qcow2", other, "8M");
        await Empty(DiskFormat.Qcow2);
        await Given(Order(write: true, DiskFormat.Qcow2) with { Raw = false });
        Assert.Equal(HttpStatusCode.OK, (await Put(await File.ReadAllBytesAsync(other))).StatusCode);
        await Close(new ImageJob.CloseUpload(_transfer, Image, DiskFormat.Qcow2, Size));
        Assert.Equal(new byte[Size], await Seen());
    }

    [SkippableTheory]
    [InlineData("qcow2", "16M", "has 16777216 bytes")]
    [InlineData("raw", "8M", "is raw, and the disk qcow2")]
    [InlineData("based", "8M", "rests on another file")]
    [InlineData("damaged", "8M", "")]
    public async Task An_image_that_is_not_what_it_should_be_is_refused(string what, string size, string says)
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var other = Path.Combine(_folder, "other");
        if (what == "based")
        {
            await Qemu("create", "-q", "-f", "raw", Path.Combine(_folder, "base"), size);
            await Qemu("create", "-q", "-f", "qcow2", "-b", Path.Combine(_folder, "base"), "-F", "raw", other);
        }
        else
        {
            await Qemu("create", "-q", "-f", what == "raw" ? "raw" : "qcow2", other, size);
        }

        var bytes = await File.ReadAllBytesAsync(other);
        if (what == "damaged") bytes.AsSpan(65536, 65536).Fill(0xff);
        await Empty(DiskFormat.Qcow2);
        await Given(Order(write: true, DiskFormat.Qcow2) with { Raw = false });
        Assert.Equal(HttpStatusCode.OK, (await Put(bytes)).StatusCode);
        var refused = await Assert.ThrowsAsync<ImageWorkException>(() => Close(new ImageJob.CloseUpload(_transfer, Image, DiskFormat.Qcow2, Size)));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("{0}/outside")]
    [InlineData("{0}/{1}/images/../../outside")]
    [InlineData("{0}/{1}/images/disk/link")]
    [InlineData("{0}/{1}/images/disk/nothing")]
    public async Task A_ticket_is_for_an_image_of_a_storage_domain(string path)
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder, "outside"), [1]);
        Directory.CreateDirectory(Path.GetDirectoryName(Image)!);
        File.CreateSymbolicLink(Path.Combine(Path.GetDirectoryName(Image)!, "link"), Path.Combine(_folder, "outside"));
        var order = Order(write: false) with { Path = string.Format(System.Globalization.CultureInfo.InvariantCulture, path, _folder, _domain) };
        Assert.Equal(RefusalCode.Failed, (await _tickets.Put(_transfer, order)).Refusal!.Code);
    }

    [Fact]
    public void An_order_does_not_show_its_ticket() => Assert.DoesNotContain(_secret.ToString(), Order(write: true).ToString(), StringComparison.Ordinal);

    private async Task Start()
    {
        _tickets = new TicketBook(Path.Combine(_folder, "sockets"), TimeProvider.System, NullLogger.Instance);
        _server = new ImageServer(new IPEndPoint(IPAddress.Loopback, 0), _authority.Credentials("agent"), _tickets, NullLoggerFactory.Instance);
        await _server.StartAsync(default);
        _client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Issuer == "CN=engine CA" },
        })
        { BaseAddress = new Uri($"https://localhost:{_tickets.Port}/") };
    }

    private string DomainFolderOf()
    {
        var folder = Path.Combine(_folder, _domain.ToString(), "dom_md");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "metadata"), "OWNER=orchestrator\n");
        return folder;
    }

    private async Task Raw(bool write, byte[]? content = null, Func<TicketOrder, TicketOrder>? with = null)
    {
        await Empty(DiskFormat.Raw);
        if (content is not null) await File.WriteAllBytesAsync(Image, content);
        await Given((with ?? (o => o))(Order(write)));
    }

    private async Task Empty(DiskFormat format)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Image)!);
        if (format == DiskFormat.Qcow2)
        {
            await Qemu("create", "-q", "-f", "qcow2", Image, "8M");
            return;
        }

        using var file = File.OpenHandle(Image, FileMode.Create, FileAccess.Write);
        RandomAccess.SetLength(file, Size);
    }

    private TicketOrder Order(bool write, DiskFormat format = DiskFormat.Raw) => new(new Stamp(1), _secret, 1, Image, format, Size)
    {
        Write = write,
        Raw = true,
        Sparse = true,
    };

    private async Task Given(TicketOrder order)
    {
        var (report, refusal) = await _tickets.Put(_transfer, order);
        Assert.True(report is not null, refusal?.Message);
    }

    private async Task<TicketReport> Report() => (await _tickets.Put(_transfer, Order(write: true))).Report!;

    private async Task<ImageResult> Close(ImageJob.CloseUpload job) =>
        await new TransferWork(_tickets, new QemuImages()).Do(Guid.NewGuid(), job, _ => { }, default);

    private Uri Url(Guid? secret = null, string path = "") => new(_client.BaseAddress!, $"images/{secret ?? _secret}{path}");

    private Task<HttpResponseMessage> Get(string range)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Url());
        request.Headers.TryAddWithoutValidation("Range", range);
        return _client.SendAsync(request);
    }

    private Task<HttpResponseMessage> Put(byte[] content, long? start = null, string query = "")
    {
        var body = new ByteArrayContent(content);
        if (start is { } at) body.Headers.TryAddWithoutValidation("Content-Range", $"bytes {at}-{at + content.Length - 1}/*");
        return _client.PutAsync(Url(path: query), body);
    }

    private Task<HttpResponseMessage> Patch(string json) => _client.PatchAsync(Url(), new StringContent(json, Encoding.UTF8, "application/json"));

    private async Task<JsonNode> Options()
    {
        var response = await _client.SendAsync(new HttpRequestMessage(HttpMethod.Options, Url()));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private async Task<(int Start, int Length, bool Zero)[]> Extents() =>
        [.. JsonNode.Parse(await _client.GetStringAsync(Url(path: "/extents?context=zero")))!.AsArray()
            .Select(e => ((int)e!["start"]!, (int)e["length"]!, (bool)e["zero"]!))];

    /// <summary>Sends the head of a PUT, and leaves the body to the caller.</summary>
    private async Task<SslStream> Begin(int length)
    {
        var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, _tickets.Port);
        var stream = new SslStream(socket.GetStream(), false, (_, shown, _, _) => shown?.Issuer == "CN=engine CA");
        await stream.AuthenticateAsClientAsync("localhost");
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"PUT /images/{_secret} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"));
        return stream;
    }

    private async Task Cut(int after)
    {
        await using var stream = await Begin(Size);
        await stream.WriteAsync(Content.AsMemory(0, after));
        var waiting = Stopwatch.StartNew();
        while ((await Report()).Transferred < after) Assert.True(waiting.Elapsed < TimeSpan.FromSeconds(20));
    }

    private long Used()
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/du", ["-B1", Image]) { RedirectStandardOutput = true })!;
        return long.Parse(process.StandardOutput.ReadToEnd().Split('\t')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task<byte[]> Seen()
    {
        var copy = Path.Combine(_folder, "copy");
        await Qemu("convert", "-f", "qcow2", "-O", "raw", Image, copy);
        return await File.ReadAllBytesAsync(copy);
    }

    private static async Task Qemu(params string[] words)
    {
        using var process = Process.Start(QemuImg, words);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private static byte[] Random(int size)
    {
        var bytes = new byte[size];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
