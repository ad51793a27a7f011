using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Transfer;
using Orchestrator.Bench.Transfer;
using Orchestrator.Tests.Agent;

// Upload and download of an image, half of it holes, beside a plain copy of the same file in the same run. Ends with 1 when a bar
// is missed: at least 80 % of the plain copy's speed, and holes stay holes.
const long Piece = 64L << 20;
const int Rounds = 5;
var size = (args is [var text, ..] ? long.Parse(text, CultureInfo.InvariantCulture) : 1024L) << 20;
var folder = Directory.CreateTempSubdirectory("orchestrator-bench-").FullName;
if (Directory.Exists("/dev/shm"))
{
    Directory.Delete(folder);
    folder = Directory.CreateDirectory($"/dev/shm/orchestrator-bench-{Environment.ProcessId}").FullName;
}

var missed = 0;
try
{
    var domain = Path.Combine(folder, Guid.NewGuid().ToString());
    var images = Path.Combine(domain, "images", "disk");
    Directory.CreateDirectory(Path.Combine(domain, "dom_md"));
    Directory.CreateDirectory(images);
    await File.WriteAllTextAsync(Path.Combine(domain, "dom_md", "metadata"), "OWNER=bench\n");
    using var authority = new TestAuthority();
    LiveCredentials credentials = authority.Credentials("agent");
    await using var tickets = new TicketBook(Path.Combine(folder, "sockets"), TimeProvider.System, NullLogger.Instance);
    await using var server = new ImageServer(new IPEndPoint(IPAddress.Loopback, 0), credentials, tickets, NullLoggerFactory.Instance);
    await server.StartAsync(default);
    await using var plain = new PlainServer(credentials, images);
    await plain.Start();
    using var client = new HttpClient(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Issuer == "CN=engine CA" },
    })
    { Timeout = TimeSpan.FromMinutes(10) };

    var source = Path.Combine(images, "source");
    await Make(source);
    var sum = await Sum(source);
    var (raw, cow) = (Path.Combine(images, "raw"), Path.Combine(images, "cow"));
    await using (var file = File.Create(raw)) file.SetLength(size);
    using (var qemu = Process.Start("/usr/bin/qemu-img", ["create", "-q", "-f", "qcow2", cow, size.ToString(CultureInfo.InvariantCulture)]))
        await qemu.WaitForExitAsync();
    var (toRaw, fromRaw, toCow) = (
        await Ticket(raw, DiskFormat.Raw, write: true), await Ticket(source, DiskFormat.Raw, write: false), await Ticket(cow, DiskFormat.Qcow2, write: true));
    var plainCopy = new Uri(plain.Address, "copy");

    var figures = new Dictionary<string, List<double>>();
    for (var round = 0; round <= Rounds; round++)
    {
        await Measure("plain upload", round, () => Put(plainCopy, 0, size));
        await Measure("upload in one piece", round, () => Put(toRaw, 0, size));
        await Measure("upload as imageio's client does it", round, () => Upload(toRaw));
        await Measure("upload into a cow image, likewise", round, () => Upload(toCow));
        await Measure("plain download", round, () => Get(new Uri(plain.Address, "source"), null));
        await Measure("download in one piece", round, () => Get(fromRaw, null));
        await Measure("download as imageio's client does it", round, () => Download(fromRaw));
    }

    Console.WriteLine($"{size >> 20} MiB, half of it holes; medians of {Rounds} rounds");
    foreach (var (what, seconds) in figures)
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what,-40} {Median(what):0.00} s  {size / Median(what) / 1e6,6:0} MB/s"));
    Bar("upload in one piece, of a plain one", Median("plain upload") / Median("upload in one piece"), 0.8);
    Bar("download in one piece, of a plain one", Median("plain download") / Median("download in one piece"), 0.8);
    Bar("upload as imageio's client, of a plain one", Median("plain upload") / Median("upload as imageio's client does it"), 0.8);
    Bar("download as imageio's client, of a plain one", Median("plain download") / Median("download as imageio's client does it"), 0.8);
    Bar("what is not a hole in the image, of its data", size / 2.0 / Used(raw), 0.95);
    if (await Sum(raw) != sum) throw new InvalidOperationException("the uploaded image is another one");

    double Median(string what) => figures[what].Order().ElementAt(figures[what].Count / 2);

    async Task Measure(string what, int round, Func<Task> act)
    {
        var watch = Stopwatch.StartNew();
        await act();
        // The first round warms up.
        if (round > 0) (figures.TryGetValue(what, out var all) ? all : figures[what] = []).Add(watch.Elapsed.TotalSeconds);
    }

    async Task<Uri> Ticket(string path, DiskFormat format, bool write)
    {
        var secret = Guid.NewGuid();
        var (report, refusal) = await tickets.Put(Guid.NewGuid(), new TicketOrder(new Stamp(1), secret, 1, path, format, size)
        {
            Write = write,
            Raw = true,
            Sparse = true,
            ValidSeconds = 3600,
        });
        return report is null
            ? throw new InvalidOperationException(refusal!.Message)
            : new Uri($"https://localhost:{tickets.Port}/images/{secret}");
    }

    // Data and holes by turns, as the source says.
    async Task Upload(Uri to)
    {
        for (long at = 0; at < size; at += 2 * Piece)
        {
            await Put(new Uri($"{to}?flush=n"), at, Math.Min(Piece, size - at));
            await Patch(to, $$"""{"op":"zero","offset":{{at + Piece}},"size":{{Math.Min(Piece, size - at - Piece)}},"flush":false}""");
        }

        await Patch(to, """{"op":"flush"}""");
    }

    async Task Download(Uri from)
    {
        foreach (var extent in JsonNode.Parse(await client.GetStringAsync(new Uri($"{from}/extents")))!.AsArray())
            if (!(bool)extent!["zero"]!)
                await Get(from, new RangeHeaderValue((long)extent["start"]!, (long)extent["start"]! + (long)extent["length"]! - 1));
    }

    async Task Put(Uri to, long start, long length)
    {
        await using var file = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 18);
        file.Position = start;
        using var request = new HttpRequestMessage(HttpMethod.Put, to) { Content = new Part(file, length) };
        request.Content.Headers.TryAddWithoutValidation("Content-Range", $"bytes {start}-{start + length - 1}/*");
        using var answer = await client.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    async Task Patch(Uri to, string json)
    {
        using var answer = await client.PatchAsync(to, new StringContent(json));
        answer.EnsureSuccessStatusCode();
    }

    async Task Get(Uri from, RangeHeaderValue? range)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, from);
        request.Headers.Range = range;
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        await using var body = await answer.Content.ReadAsStreamAsync();
        await body.CopyToAsync(Stream.Null, 1 << 18);
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}

return missed == 0 ? 0 : 1;

async Task Make(string path)
{
    var data = new byte[1 << 20];
    await using (var file = File.Create(path))
    {
        file.SetLength(size);
        var random = new Random(1);
        for (long at = 0; at < size; at += 2 * Piece)
        {
            file.Position = at;
            for (long done = 0; done < Math.Min(Piece, size - at); done += data.Length)
            {
                random.NextBytes(data);
                await file.WriteAsync(data);
            }
        }
    }
}

static async Task<string> Sum(string path)
{
    await using var file = File.OpenRead(path);
    return Convert.ToHexString(await SHA256.HashDataAsync(file));
}

static double Used(string path)
{
    using var process = Process.Start(new ProcessStartInfo("/usr/bin/du", ["-B1", path]) { RedirectStandardOutput = true })!;
    return double.Parse(process.StandardOutput.ReadToEnd().Split('\t')[0], CultureInfo.InvariantCulture);
}

void Bar(string what, double figure, double limit)
{
    var kept = figure >= limit;
    if (!kept) missed++;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {(kept ? "kept  " : "MISSED")}  {what,-46} {limit:0.00}  {figure:0.00}"));
}

/// <summary>So much of a stream.</summary>
internal sealed class Part(Stream from, long length) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var buffer = new byte[1 << 18];
        for (long left = length; left > 0;)
        {
            var read = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)));
            if (read == 0) throw new EndOfStreamException();
            await stream.WriteAsync(buffer.AsMemory(0, read));
            left -= read;
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length;
        return true;
    }
}
