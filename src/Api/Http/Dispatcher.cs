using System.Buffers;
using System.Data.Common;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Access;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Resources;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Http;

/// <summary>The one edge between HTTP and resources: version, form, identity, body, answer, fault.</summary>
public sealed class Dispatcher(World world, Router router, Doorkeeper doorkeeper)
{
    private static readonly TimeSpan _creationPoll = TimeSpan.FromMilliseconds(250);

    public async Task Handle(HttpContext context)
    {
        using var watch = ApiWatch.Begin(context);
        if (AnnouncesBodyInVain(context.Request)) context.Response.Headers.Connection = "close";
        try
        {
            await Answer(context);
        }
        catch (FaultException fault)
        {
            await WriteFault(context, fault);
        }
        catch (EntityUnavailableException unavailable)
        {
            world.Log.LogWarning("{Method} {Path} was answered with 503: {Reason}",
                context.Request.Method, context.Request.Path, unavailable.Message);
            await WriteFault(context, Unavailable(unavailable.RetryAfter,
                "The object did not answer in time. It is not known whether the request was carried out: read the "
                + "object before you ask again"));
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            await WriteFault(context, Unavailable(world.Options.RetryAfter,
                $"No answer within {world.Options.RequestLimit.TotalSeconds:0} s. It is not known whether the request "
                + "was carried out: read the object before you ask again"));
        }
        catch (OperationCanceledException)
        {
            // The client has gone; there is nobody to answer.
        }
        catch (Exception away) when (IsStoreAway(away))
        {
            world.Log.LogWarning("{Method} {Path} was answered with 503, the database does not answer: {Reason}",
                context.Request.Method, context.Request.Path, away.Message);
            await WriteFault(context, Unavailable(world.Options.RetryAfter,
                "The engine's database does not answer now; ask again shortly"));
        }
        catch (Exception mistake) when (!context.Response.HasStarted)
        {
            world.Log.LogError(mistake, "{Method} {Path} failed by a mistake of the engine",
                context.Request.Method, context.Request.Path);
            await WriteFault(context, new FaultException(500, FaultException.OperationFailed,
                "The engine made a mistake; its log tells more under this time and path"));
        }
    }

    public static bool IsStoreAway(Exception cause) => cause is DbException { IsTransient: true } or TimeoutException or EntityUnavailableException
#if !AKKA_PACKAGES
        or Engine.StoreUnavailableException
#endif
        ;

    /// <summary>libgovirt gives each GET the body of an action, and libsoup leaves it out when it asks anew with a password, but not
    /// its length: the next request on that connection would be taken for the body.</summary>
    private static bool AnnouncesBodyInVain(HttpRequest request) =>
        request.ContentLength > 0 && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method));

    private async Task Answer(HttpContext context)
    {
        var request = context.Request;
        var path = Parameters.SplitMatrix(Below(request), out var matrix);
        var parameters = new Parameters(request, matrix);
        // A header can say no more than ASCII.
        if (parameters.Correlation is { } correlation && Ascii.IsValid(correlation)) context.Response.Headers["Correlation-Id"] = correlation;

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(world.Options.RequestLimit);
        var (user, rights) = await doorkeeper.Authenticate(context, limit.Token);
        var viewer = Forms.WantsViewer(request);
        var wantsEvents = Forms.WantsEvents(request);
        var form = viewer || wantsEvents ? Form.Xml : Forms.Wanted(request);
        var method = HttpMethods.IsHead(request.Method) ? HttpMethods.Get : request.Method;
        var (resource, ids, pattern) = router.Find(method, path);
        ApiWatch.Know(context, method, path, ids);

        // The guard and the resource read the same body, each as its own type.
        ReadOnlyMemory<byte>? body = null;
        var access = new CallAccess(rights, !rights.IsAdministrator || parameters.Filter == true);
        var call = new ApiCall(world, parameters, user, access, limit.Token)
        {
            Ids = ids,
            Method = method,
            Authority = request.Host.Value ?? "",
            WantsViewer = viewer,
            WantsEvents = wantsEvents,
            ReadBody = async shape => ReadBody(request, shape, body ??= await ReadBytes(request, limit.Token)),
        };
        await Guard.Check(call, pattern);
        var answer = await Guard.Narrow(call, await resource(call));
        if (answer is Answer.Live live)
        {
            await live.Run(context, async () =>
            {
                var (_, now) = await doorkeeper.Authenticate(context, context.RequestAborted);
                if (rights.IsAdministrator && !now.IsAdministrator)
                    throw new FaultException(403, FaultException.OperationFailed, $"{user.Name} is no administrator any more");
            });
            return;
        }

        if ((viewer && answer is not Http.Answer.Raw) || wantsEvents) Forms.Wanted(request);
        if (parameters.ExpectCreated && answer is Answer.One { Status: 202, Location: { } location })
            answer = await AwaitCreation(call, location);
        if (parameters.Follow is { Length: > 0 } follow && method == HttpMethods.Get)
            await new Follow(router, world.Options.MaxFollowed).Expand(call, answer, follow);
        await Write(context, form, answer);
    }

    /// <summary>The path below the base, without a version segment.</summary>
    private static string Below(HttpRequest request)
    {
        var path = request.Path.Value!;
        path = path.Length > Hrefs.Base.Length ? path[(Hrefs.Base.Length + 1)..] : "";
        var version = request.Headers["Version"].ToString();
        if (path.Length >= 2 && path[0] == 'v' && char.IsAsciiDigit(path[1]))
        {
            var end = path.AsSpan().IndexOfAny('/', ';');
            version = end < 0 ? path[1..] : path[1..end];
            path = end < 0 ? "" : path[end] == '/' ? path[(end + 1)..] : path[end..];
        }

        if (version is "" or "4") return path;
        throw FaultException.Bad($"Version {version} of the API is not here; use version 4");
    }

    private Element ReadBody(HttpRequest request, Shape shape, ReadOnlyMemory<byte> body)
    {
        if (body.Length == 0) return shape.New();
        return Forms.Sent(request) == Form.Json
            ? JsonForm.Read(body, shape, world.Options.MaxDepth)
            : XmlForm.Read(body, shape, world.Options.MaxDepth);
    }

    private async Task<ReadOnlyMemory<byte>> ReadBytes(HttpRequest request, CancellationToken cancel)
    {
        var limit = world.Options.MaxBodyBytes;
        if (request.ContentLength > limit) throw TooLarge(limit);
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = limit + 1L;
        var reader = request.BodyReader;
        while (true)
        {
            try
            {
                var read = await reader.ReadAsync(cancel);
                if (read.Buffer.Length > limit) throw TooLarge(limit);
                if (read.IsCompleted)
                {
                    var bytes = read.Buffer.ToArray();
                    reader.AdvanceTo(read.Buffer.End);
                    return bytes;
                }

                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
            catch (BadHttpRequestException refused)
            {
                throw refused.StatusCode == 413
                    ? TooLarge(limit)
                    : new FaultException(refused.StatusCode, FaultException.OperationFailed, $"The body broke off: {refused.Message}");
            }
        }
    }

    private static FaultException TooLarge(int limit) => new(413, "Request Entity Too Large",
        $"The body is larger than {limit} bytes, the most that this API takes");

    private static FaultException Unavailable(TimeSpan retryAfter, string sentence) =>
        new(503, FaultException.OperationFailed, sentence)
        {
            RetryAfter = Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds)),
        };

    /// <summary>oVirt's "Expect: 201-created": answers when the object is no longer locked.</summary>
    private async Task<Answer> AwaitCreation(ApiCall call, string location)
    {
        while (true)
        {
            var (resource, ids, _) = router.Find(HttpMethods.Get, location[(Hrefs.Base.Length + 1)..]);
            var now = await resource(call.Anew(ids));
            if (now is not Answer.One { Element: var element }
                || element.Text("status") is not ("locked" or "image_locked"))
                return now with { Status = 201 };
            await Task.Delay(_creationPoll, world.Clock, call.Cancel);
        }
    }

    private static async Task Write(HttpContext context, Form form, Answer answer)
    {
        context.Response.StatusCode = answer.Status;
        if (answer is Answer.Empty)
        {
            context.Response.ContentLength = 0;
            return;
        }

        if (answer is Answer.Raw raw)
        {
            context.Response.ContentType = raw.ContentType;
            context.Response.Headers.CacheControl = "no-store";
            await context.Response.BodyWriter.WriteAsync(raw.Body, context.RequestAborted);
            return;
        }

        if (answer is Answer.One { Location: { } location })
            context.Response.Headers.Location = $"{context.Request.Scheme}://{context.Request.Host}{location}";
        if (HttpMethods.IsHead(context.Request.Method) && answer is Answer.One { Element: { Shape: var shape } api }
            && shape == Shapes.Api)
            context.Response.Headers["Link"] =
                string.Join(", ", api.Links.Select(link => $"<{link.Href}>; rel={link.Rel}"));

        var body = new ArrayBufferWriter<byte>(2048);
        switch (answer)
        {
            case Answer.One one when form == Form.Json:
                JsonForm.Write(body, one.Element);
                break;
            case Answer.One one:
                XmlForm.Write(body, one.Element);
                break;
            case Answer.Many many when form == Form.Json:
                JsonForm.WriteList(body, many.Shape, many.Elements);
                break;
            case Answer.Many many:
                XmlForm.WriteList(body, many.Shape, many.Elements);
                break;
        }

        await WriteBody(context, form, body);
    }

    private static async Task WriteFault(HttpContext context, FaultException fault)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        var response = context.Response;
        response.StatusCode = fault.Status;
        if (fault.RetryAfter is { } seconds)
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (fault.Allow is { } allow) response.Headers.Allow = allow;
        if (fault.Status == 401) response.Headers.WWWAuthenticate = "Basic realm=\"RESTAPI\"";
        var element = Shapes.Fault.New().With("reason", fault.Reason).With("detail", $"[{fault.Detail}]");
        var form = Forms.WantedOrXml(context.Request);
        var body = new ArrayBufferWriter<byte>(512);
        if (form == Form.Json) JsonForm.Write(body, element);
        else XmlForm.Write(body, element);
        await WriteBody(context, form, body);
    }

    private static async Task WriteBody(HttpContext context, Form form, ArrayBufferWriter<byte> body)
    {
        context.Response.ContentType = Forms.ContentType(form);
        context.Response.ContentLength = body.WrittenCount;
        if (HttpMethods.IsHead(context.Request.Method)) return;
        await context.Response.BodyWriter.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }
}
