using Akka.Actor;

namespace Akka.TestKit;

/// <summary>Puts all that it gets into a queue that the test's thread reads.</summary>
internal sealed class QueueingActor(MessageQueue queue) : UntypedActor
{
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case WatchIt watch: Context.Watch(watch.Actor); break;
            case UnwatchIt unwatch: Context.Unwatch(unwatch.Actor); break;
            default: queue.Add(new Envelope(message, Sender)); break;
        }
    }

    internal sealed record WatchIt(IActorRef Actor);

    internal sealed record UnwatchIt(IActorRef Actor);
}

/// <summary>A queue whose reader waits, up to a time.</summary>
internal sealed class MessageQueue
{
    private readonly Queue<Envelope> _queue = new();

    public bool Any
    {
        get { lock (_queue) return _queue.Count > 0; }
    }

    public void Add(Envelope envelope)
    {
        lock (_queue)
        {
            _queue.Enqueue(envelope);
            Monitor.PulseAll(_queue);
        }
    }

    public bool TryTake(TimeSpan max, out Envelope envelope, CancellationToken cancel)
    {
        using var woken = cancel.Register(() => { lock (_queue) Monitor.PulseAll(_queue); });
        var watch = System.Diagnostics.Stopwatch.StartNew();
        lock (_queue)
        {
            while (!_queue.TryDequeue(out envelope))
            {
                cancel.ThrowIfCancellationRequested();
                var left = max - watch.Elapsed;
                if (left <= TimeSpan.Zero || !Monitor.Wait(_queue, left))
                {
                    return _queue.TryDequeue(out envelope);
                }
            }
            return true;
        }
    }
}
