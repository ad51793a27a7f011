using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Http;

/// <summary>Events as server-sent events to one client: first those after the number that it has, then new ones as they
/// are told, each as one line of JSON with its number.</summary>
/// <param name="after">The last number that the client has; null: only new events.</param>
/// <param name="mayStay">Throws when the client is no longer let in.</param>
public sealed class EventStream(
    World world, long? after, ReadFilter? only, ReadFilter? visible, Func<AuditRow, Element> show, Func<Task> mayStay)
{
    private const int Page = 500;
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(15);
    private readonly HashSet<long> _told = [];

    /// <summary>A condition on the events alone, which is carried out here; null: it looks further.</summary>
    public static Func<AuditRow, bool>? Matching(ReadFilter filter)
    {
        if (!IsOwn(filter)) return null;
        var evaluation = new FilterEvaluation(_ => []);
        return row =>
        {
            using var line = JsonDocument.Parse(WireJson.Write(row.Line));
            return evaluation.IsTrue(filter, new SearchRow(Kinds.Event, row.Id.ToString(CultureInfo.InvariantCulture), "", line.RootElement));
        };
    }

    public async Task Run(HttpContext context)
    {
        var isWanted = Matching(only ?? new ReadFilter.Always())
            ?? throw FaultException.Bad("A stream of events can be searched by what is in the events alone, such as severity=error; "
                + "ask for a list to search by what is around them");
        var maySee = Matching(visible ?? new ReadFilter.Always())
            ?? throw FaultException.NotYet("A stream of events for a user who may see a part of them");
        using var listener = world.Feed.Listen() ?? throw new FaultException(503, FaultException.OperationFailed,
            $"{EventFeed.MostListeners} streams are open at this node already; ask another one, or later")
        {
            RetryAfter = 5,
        };
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, world.Feed.Stopping);
        var response = context.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        if (HttpMethods.IsHead(context.Request.Method)) return;
        try
        {
            await Say(response, ": events\nretry: 2000\n\n", ending.Token);
            await listener.Began.WaitAsync(ending.Token);
            for (var from = after; from is { } last;)
            {
                var rows = await world.Read.Events(new AuditQuery(last, Page) { Direction = Direction.Ascending }, ending.Token);
                foreach (var row in rows) await Tell(response, row, row => isWanted(row) && maySee(row), ending.Token);
                from = rows.Count < Page ? null : rows[^1].Id;
            }

            await Follow(response, listener, row => isWanted(row) && maySee(row), ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client has gone, or the node goes.
        }
        catch (FaultException refused)
        {
            await Say(response, $"event: end\ndata: {JsonSerializer.Serialize(refused.Detail)}\n\n", context.RequestAborted);
        }
    }

    private async Task Follow(HttpResponse response, EventFeed.Listener listener, Func<AuditRow, bool> isWanted, CancellationToken cancel)
    {
        var beat = TimeSpan.Zero;
        while (true)
        {
            var arrival = listener.Lines.WaitToReadAsync(cancel).AsTask();
            while (await Task.WhenAny(arrival, Task.Delay(_look, cancel)) != arrival)
            {
                cancel.ThrowIfCancellationRequested();
                await mayStay();
                beat += _look;
                if (beat < _beat) continue;
                beat = TimeSpan.Zero;
                await Say(response, ": still here\n\n", cancel);
            }

            if (!await arrival)
            {
                await Say(response, "event: end\ndata: \"The stream fell behind; ask again with Last-Event-ID\"\n\n", cancel);
                return;
            }

            while (listener.Lines.TryRead(out var row)) await Tell(response, row, isWanted, cancel);
            await mayStay();
        }
    }

    private async Task Tell(HttpResponse response, AuditRow row, Func<AuditRow, bool> isWanted, CancellationToken cancel)
    {
        // The end of what was read and the beginning of what is followed are the same lines.
        if (!_told.Add(row.Id) || !isWanted(row)) return;
        if (_told.Count > 4 * Page) _told.RemoveWhere(id => id < row.Id - (2 * Page));
        var json = new ArrayBufferWriter<byte>(512);
        JsonForm.Write(json, show(row));
        var line = string.Concat(Encoding.UTF8.GetString(json.WrittenSpan).Split('\n').Select(part => part.Trim()));
        await Say(response, string.Create(CultureInfo.InvariantCulture, $"id: {row.Id}\ndata: {line}\n\n"), cancel);
    }

    private static async Task Say(HttpResponse response, string text, CancellationToken cancel)
    {
        await response.WriteAsync(text, cancel);
        await response.Body.FlushAsync(cancel);
    }

    private static bool IsOwn(ReadFilter filter) => filter switch
    {
        ReadFilter.Both both => IsOwn(both.Left) && IsOwn(both.Right),
        ReadFilter.Either either => IsOwn(either.Left) && IsOwn(either.Right),
        ReadFilter.Not not => IsOwn(not.Inner),
        ReadFilter.Related => false,
        _ => true,
    };
}
