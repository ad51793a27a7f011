using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Observability;

public sealed record GotSpan(
    string Service, string Instance, string Source, string Trace, string Id, string Parent, string Name, int Kind, ulong Start,
    ulong End);

/// <summary>An OpenTelemetry collector as far as a test needs one: OTLP over HTTP, protobuf, decoded down to names and
/// ids.</summary>
public sealed class OtlpReceiver : IDisposable
{
    private readonly HttpListener _http = new();
    private readonly ConcurrentQueue<GotSpan> _spans = new();
    private readonly ConcurrentDictionary<(string Service, string Metric), int> _metrics = new();

    private OtlpReceiver(Uri endpoint)
    {
        Endpoint = endpoint;
        _http.Prefixes.Add(endpoint.AbsoluteUri);
        _http.Start();
        _ = Serve();
    }

    public Uri Endpoint { get; }

    public IReadOnlyCollection<GotSpan> Spans => _spans;

    public IEnumerable<(string Service, string Metric)> Metrics => _metrics.Keys;

    public ConcurrentQueue<string> Mistakes { get; } = new();

    public static OtlpReceiver Start() => new(new Uri($"http://127.0.0.1:{Ports.Free()}/"));

    public void Dispose() => _http.Close();

    private async Task Serve()
    {
        while (_http.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _http.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            try
            {
                if (context.Request.ContentType != "application/x-protobuf")
                    throw new FormatException($"content type {context.Request.ContentType}");
                Take(context.Request.Url!.AbsolutePath, body.ToArray());
                context.Response.StatusCode = 200;
                context.Response.ContentType = "application/x-protobuf";
            }
            catch (Exception e) when (e is FormatException or IndexOutOfRangeException or ArgumentException)
            {
                Mistakes.Enqueue(e.Message);
                context.Response.StatusCode = 400;
            }

            context.Response.Close();
        }
    }

    private void Take(string path, byte[] body)
    {
        foreach (var resource in Proto.Fields(body).Where(f => f.Number == 1))
        {
            var parts = Proto.Fields(resource.Bytes).ToList();
            var about = parts.Where(p => p.Number == 1).SelectMany(p => Proto.Fields(p.Bytes)).Where(a => a.Number == 1)
                .Select(a => Attribute(a.Bytes)).ToDictionary(a => a.Key, a => a.Value);
            foreach (var scope in parts.Where(p => p.Number == 2))
            {
                var inner = Proto.Fields(scope.Bytes).ToList();
                var source = Encoding.UTF8.GetString(
                    Proto.Fields(inner.First(f => f.Number == 1).Bytes).First(f => f.Number == 1).Bytes);
                foreach (var item in inner.Where(f => f.Number == 2))
                {
                    if (path == "/v1/traces") _spans.Enqueue(Span(about, source, item.Bytes));
                    else if (path == "/v1/metrics")
                        _metrics.AddOrUpdate((about["service.name"], Proto.Text(item.Bytes, 1)), 1, (_, n) => n + 1);
                    else throw new FormatException($"nothing is at {path}");
                }
            }
        }
    }

    private static GotSpan Span(Dictionary<string, string> about, string source, byte[] span)
    {
        var fields = Proto.Fields(span).ToList();
        string Hex(int number) => Convert.ToHexStringLower(fields.FirstOrDefault(f => f.Number == number)?.Bytes ?? []);
        ulong Fixed(int number) => fields.FirstOrDefault(f => f.Number == number)?.Value ?? 0;
        return new GotSpan(
            about["service.name"], about["service.instance.id"], source, Hex(1), Hex(2), Hex(4), Proto.Text(span, 5),
            (int)Fixed(6), Fixed(7), Fixed(8));
    }

    private static KeyValuePair<string, string> Attribute(byte[] attribute) => new(
        Proto.Text(attribute, 1), Proto.Text(Proto.Fields(attribute).First(f => f.Number == 2).Bytes, 1));
}

/// <summary>Protobuf's wire format, read without a schema.</summary>
internal static class Proto
{
    public sealed record Field(int Number, byte[] Bytes, ulong Value);

    public static IEnumerable<Field> Fields(byte[] message)
    {
        var at = 0;
        while (at < message.Length)
        {
            var key = Varint(message, ref at);
            var number = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    yield return new Field(number, [], Varint(message, ref at));
                    break;
                case 1:
                    yield return new Field(number, [], BitConverter.ToUInt64(message, at));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    yield return new Field(number, message.AsSpan(at, length).ToArray(), 0);
                    at += length;
                    break;
                case 5:
                    yield return new Field(number, [], BitConverter.ToUInt32(message, at));
                    at += 4;
                    break;
                default:
                    throw new FormatException($"wire type {key & 7} of field {number}");
            }
        }
    }

    public static string Text(byte[] message, int number) =>
        Encoding.UTF8.GetString(Fields(message).FirstOrDefault(f => f.Number == number)?.Bytes ?? []);

    private static ulong Varint(byte[] message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var one = message[at++];
            value |= (ulong)(one & 0x7f) << shift;
            if (one < 0x80) return value;
        }
    }
}
