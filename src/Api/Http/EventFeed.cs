using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.Http;

/// <summary>
/// The end of the audit log for those who follow it. The node looks at the log a few times a second while anybody listens,
/// once for all of them, whichever node wrote the lines.
/// </summary>
public sealed class EventFeed(IReadModel read, ILogger log) : IDisposable
{
    public const int MostListeners = 200;
    private const int MostWaiting = 1_000;
    private const int Page = 500;
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _memory = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Listener, byte> _listeners = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private bool _looks;

    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Null: there are too many already.</summary>
    public Listener? Listen()
    {
        lock (_gate)
        {
            if (_listeners.Count >= MostListeners) return null;
            var listener = new Listener(this);
            _listeners[listener] = 0;
            if (_looks) listener.Begin();
            else
            {
                _looks = true;
                _ = Task.Run(Look);
            }

            return listener;
        }
    }

    public void Dispose() => _stopping.Cancel();

    private async Task Look()
    {
        FeedOrder? order = null;
        using var timer = new PeriodicTimer(_interval);
        try
        {
            do
            {
                try
                {
                    if (order is null)
                    {
                        order = FeedOrder.After(
                            await read.Events(new AuditQuery(Max: 100), _stopping.Token), TimeProvider.System.GetUtcNow(), _patience, _memory);
                        foreach (var listener in _listeners.Keys) listener.Begin();
                    }

                    for (long? from = order.Floor; from is { } floor;)
                    {
                        var rows = await read.Events(new AuditQuery(floor, Page) { Direction = Direction.Ascending }, _stopping.Token);
                        foreach (var row in order.Take(rows, TimeProvider.System.GetUtcNow()))
                            foreach (var listener in _listeners.Keys) listener.Offer(row);
                        from = rows.Count < Page ? null : rows[^1].Id;
                    }
                }
                catch (Exception away) when (away is EntityUnavailableException || Dispatcher.IsStoreAway(away))
                {
                    log.LogDebug("The audit log cannot be looked at now: {Reason}", away.Message);
                }

                lock (_gate)
                {
                    if (!_listeners.IsEmpty) continue;
                    _looks = false;
                    return;
                }
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The node ends.
        }
        catch (Exception mistake)
        {
            log.LogError(mistake, "Following the audit log failed by a mistake of the engine; streams of events end and may be asked for anew");
            lock (_gate) _looks = false;
            foreach (var listener in _listeners.Keys) listener.End();
        }
    }

    /// <summary>One who follows the log. Who reads too slowly is cut off, and resumes by the last number.</summary>
    public sealed class Listener(EventFeed feed) : IDisposable
    {
        private readonly Channel<AuditRow> _lines = Channel.CreateBounded<AuditRow>(MostWaiting);
        private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ChannelReader<AuditRow> Lines => _lines.Reader;

        /// <summary>From here on no line is missed.</summary>
        public Task Began => _began.Task;

        internal void Begin() => _began.TrySetResult();

        internal void Offer(AuditRow row)
        {
            if (!_lines.Writer.TryWrite(row)) End();
        }

        internal void End() => _lines.Writer.TryComplete();

        public void Dispose()
        {
            End();
            feed._listeners.TryRemove(this, out _);
        }
    }
}
