using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Orchestrator.Agent.Transfer;

/// <summary>oVirt imageio's protocol: OPTIONS, GET, PUT and PATCH of /images/TICKET, GET of /images/TICKET/extents.</summary>
internal sealed class ImageRoutes(TicketBook tickets, ILogger log)
{
    /// <summary>How many requests for one image may be under way at a time, as clients are told.</summary>
    private const int Readers = 8;
    private const int LongestPatch = 4096;

    public async Task Answer(HttpContext context)
    {
        try
        {
            await Serve(context);
        }
        catch (Refusal e)
        {
            await Refuse(context, e.Status, e.Message);
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            await Refuse(context, StatusCodes.Status400BadRequest, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            await Refuse(context, e.StatusCode, e.Message);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            await Refuse(context, StatusCodes.Status403Forbidden, "You are not allowed to access this resource: Ticket was canceled");
        }
        catch (OperationCanceledException)
        {
            // The client has gone.
        }
        catch (IOException e) when (!context.RequestAborted.IsCancellationRequested)
        {
            log.LogWarning("an image could not be read or written: {Why}", e.Message);
            await Refuse(context, StatusCodes.Status500InternalServerError, $"Server failed to perform the request: {e.Message}");
        }
        catch (IOException)
        {
            // The client has gone.
        }
    }

    private Task Serve(HttpContext context)
    {
        var parts = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts is not ["images", _, ..] || parts.Length > 3 || (parts.Length == 3 && parts[2] != "extents"))
            throw new Refusal(StatusCodes.Status404NotFound, "No such resource");
        // A page of the portal comes from another server.
        if (context.Request.Headers.Origin.Count > 0)
        {
            context.Response.Headers.AccessControlAllowOrigin = "*";
            context.Response.Headers.AccessControlExposeHeaders = "*";
        }

        var method = context.Request.Method;
        if (parts is [_, "*"] && method == "OPTIONS") return Options(context, mayWrite: true);
        if (method == "OPTIONS" && context.Request.Headers.AccessControlRequestMethod.Count > 0)
        {
            context.Response.Headers.AccessControlAllowMethods = "*";
            context.Response.Headers.AccessControlAllowHeaders = "*";
        }

        var ticket = (Guid.TryParseExact(parts[1], "D", out var secret) ? tickets.Find(secret) : null)
            ?? throw new Refusal(StatusCodes.Status403Forbidden, "You are not allowed to access this resource: No such ticket, or it has expired");
        return (method, parts.Length) switch
        {
            ("OPTIONS", 2) => Options(context, ticket.MayWrite),
            ("GET" or "HEAD", 2) => Use(context, ticket, Get),
            ("GET", 3) => Use(context, ticket, Extents),
            ("PUT", 2) => Use(context, Writable(ticket), Put),
            ("PATCH", 2) => Use(context, Writable(ticket), Patch),
            _ => throw new Refusal(StatusCodes.Status405MethodNotAllowed, $"{method} is not for this resource"),
        };
    }

    private static Task Options(HttpContext context, bool mayWrite)
    {
        context.Response.Headers.Allow = mayWrite ? "OPTIONS,GET,PUT,PATCH" : "OPTIONS,GET";
        return Json(context, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("features");
            json.WriteStringValue("extents");
            if (mayWrite)
            {
                json.WriteStringValue("zero");
                json.WriteStringValue("flush");
            }

            json.WriteEndArray();
            json.WriteNumber("max_readers", Readers);
            json.WriteNumber("max_writers", Readers);
            json.WriteEndObject();
        });
    }

    private static async Task Get(HttpContext context, Ticket ticket, CancellationToken cancel)
    {
        var size = ticket.Image.Size;
        var (start, length) = (0L, size);
        if (context.Request.Headers.Range.ToString() is { Length: > 0 } range)
        {
            (start, length) = ByteRange.Asked(range, size) ?? throw Outside(context, size, $"Requested range is not available, the image has {size} bytes");
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {start}-{start + length - 1}/{size}");
        }

        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = length;
        if (HttpMethods.IsHead(context.Request.Method)) return;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await Streaming.Download(ticket, context.Response.Body, start, length, cancel);
    }

    private static async Task Extents(HttpContext context, Ticket ticket, CancellationToken cancel)
    {
        if (context.Request.Query["context"].ToString() is not ("" or "zero") and var asked)
            throw new Refusal(StatusCodes.Status404NotFound, $"There are no extents of the context '{asked}'");
        var all = await ticket.Image.Extents(cancel);
        await Json(context, json =>
        {
            json.WriteStartArray();
            foreach (var extent in all)
            {
                json.WriteStartObject();
                json.WriteNumber("start", extent.Start);
                json.WriteNumber("length", extent.Length);
                json.WriteBoolean("zero", extent.Zero);
                json.WriteBoolean("hole", false);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static async Task Put(HttpContext context, Ticket ticket, CancellationToken cancel)
    {
        if (context.Request.ContentLength is not { } length) throw new FormatException("Content-Length header is required");
        var start = context.Request.Headers.ContentRange.ToString() is { Length: > 0 } range ? ByteRange.Offered(range) : 0;
        var flush = context.Request.Query["flush"].ToString() switch
        {
            "" or "y" => true,
            "n" => false,
            var other => throw new FormatException($"Invalid value for 'flush': '{other}', it is y or n"),
        };
        Within(context, ticket, start, length);
        await Streaming.Upload(ticket, context.Request.Body, start, length, cancel);
        if (flush) await ticket.Image.Flush(cancel);
        context.Response.ContentLength = 0;
    }

    private static async Task Patch(HttpContext context, Ticket ticket, CancellationToken cancel)
    {
        if (context.Request.ContentLength is null or > LongestPatch) throw new FormatException("a short body of JSON, with its Content-Length, is required");
        using var json = await JsonDocument.ParseAsync(context.Request.Body, default, cancel);
        var root = json.RootElement;
        if (root.ValueKind != JsonValueKind.Object) throw new FormatException("the body is not a JSON object");
        switch (Text(root, "op"))
        {
            case "flush":
                await ticket.Image.Flush(cancel);
                break;
            case "zero":
                var size = Number(root, "size") ?? throw new FormatException("Missing required value for 'size'");
                var offset = Number(root, "offset") ?? 0;
                Within(context, ticket, offset, size);
                await ticket.Image.Zero(offset, size, cancel);
                ticket.Moved(size);
                if (root.TryGetProperty("flush", out var flush) && flush.ValueKind == JsonValueKind.True) await ticket.Image.Flush(cancel);
                break;
            case var other:
                throw new FormatException($"Unknown operation '{other}', it is zero or flush");
        }

        context.Response.ContentLength = 0;
    }

    private static async Task Use(HttpContext context, Ticket ticket, Func<HttpContext, Ticket, CancellationToken, Task> serve)
    {
        using var use = ticket.Enter(context.RequestAborted)
            ?? throw new Refusal(StatusCodes.Status403Forbidden, "You are not allowed to access this resource: the ticket is over");
        await serve(context, ticket, use.Cancel);
    }

    private static Ticket Writable(Ticket ticket) => ticket.MayWrite
        ? ticket
        : throw new Refusal(StatusCodes.Status403Forbidden, "You are not allowed to access this resource: the ticket is for reading");

    private static void Within(HttpContext context, Ticket ticket, long start, long length)
    {
        if (length < 0 || start > ticket.Image.Limit - length)
            throw Outside(context, ticket.Image.Limit, $"Requested range is not available, the image has {ticket.Image.Limit} bytes");
    }

    private static Refusal Outside(HttpContext context, long size, string why)
    {
        context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{size}");
        return new Refusal(StatusCodes.Status416RangeNotSatisfiable, why);
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement root, string name) => !root.TryGetProperty(name, out var value)
        ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 0
            ? number
            : throw new FormatException($"Invalid value for '{name}'");

    private static async Task Json(HttpContext context, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body)) write(json);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.WrittenCount;
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }

    private static async Task Refuse(HttpContext context, int status, string why)
    {
        if (context.Response.HasStarted)
        {
            // What was sent is not the whole: the client sees it by the connection that breaks.
            context.Abort();
            return;
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = null;
        await context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }

    private sealed class Refusal(int status, string why) : Exception(why)
    {
        public int Status => status;
    }
}
