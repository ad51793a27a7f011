using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>An actor's named timers. Each start is a new generation: what an older generation has already put into the
/// mailbox is not delivered.</summary>
internal sealed class TimerTable(ActorCell cell) : ITimerScheduler
{
    private readonly Dictionary<object, Armed> _armed = [];
    private long _generation;

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval) => Start(key, msg, interval, interval);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval) =>
        Start(key, msg, initialDelay, interval);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout) =>
        Start(key, msg, timeout, Timeout.InfiniteTimeSpan);

    public bool IsTimerActive(object key) => _armed.ContainsKey(key);

    public void Cancel(object key)
    {
        if (_armed.Remove(key, out var armed)) armed.Timer?.Dispose();
    }

    public void CancelAll()
    {
        foreach (var armed in _armed.Values) armed.Timer?.Dispose();
        _armed.Clear();
    }

    /// <summary>The message of a timer that fell due, or null when it was cancelled or replaced meanwhile.</summary>
    public object? Take(Due due)
    {
        if (!ReferenceEquals(due.Owner, this) || !_armed.TryGetValue(due.Key, out var armed)
            || armed.Generation != due.Generation) return null;
        if (!armed.Repeats) Cancel(due.Key);
        return armed.Message;
    }

    private void Start(object key, object message, TimeSpan delay, TimeSpan interval)
    {
        Cancel(key);
        var armed = new Armed(message, ++_generation, interval != Timeout.InfiniteTimeSpan);
        _armed.Add(key, armed);
        object due = message is INotInfluenceReceiveTimeout
            ? new QuietDue(this, key, armed.Generation)
            : new Due(this, key, armed.Generation);
        armed.Timer = cell.Engine.Clock.CreateTimer(
            state => cell.Ref.Tell(state!, cell.Ref), due, delay < TimeSpan.Zero ? TimeSpan.Zero : delay, interval);
    }

    internal class Due(TimerTable owner, object key, long generation)
    {
        public TimerTable Owner { get; } = owner;

        public object Key { get; } = key;

        public long Generation { get; } = generation;
    }

    private sealed class QuietDue(TimerTable owner, object key, long generation)
        : Due(owner, key, generation), INotInfluenceReceiveTimeout;

    private sealed class Armed(object message, long generation, bool repeats)
    {
        public object Message { get; } = message;

        public long Generation { get; } = generation;

        public bool Repeats { get; } = repeats;

        public ITimer? Timer { get; set; }
    }
}
