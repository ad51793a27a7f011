namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// One direction of a connection: in order, each thing after its delay. While the direction is cut things wait, as in a
/// socket's buffer, and come late when it carries again.
/// </summary>
internal sealed class Pipe
{
    private readonly Queue<(long Due, object What)> _underWay = new();
    private readonly HostClock _clock;
    private readonly Action<object> _arrives;
    private readonly Func<bool> _carries;
    private readonly Func<TimeSpan> _delay;
    private readonly ITimer _timer;
    private long _last;
    private bool _armed;

    public Pipe(HostClock clock, Func<bool> carries, Func<TimeSpan> delay, Action<object> arrives)
    {
        (_clock, _carries, _delay, _arrives) = (clock, carries, delay, arrives);
        _timer = clock.CreateTimer(static p => ((Pipe)p!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Send(object what)
    {
        _last = Math.Max(_last, _clock.GetTimestamp() + Ticks(_delay()));
        _underWay.Enqueue((_last, what));
        if (!_armed) Arm();
    }

    /// <summary>It may carry again.</summary>
    public void Flow()
    {
        if (!_armed && _underWay.Count > 0) Arm();
    }

    /// <summary>Keeps only what passes; asked in order.</summary>
    public void Sift(Func<object, bool> keep)
    {
        for (var n = _underWay.Count; n > 0; n--)
        {
            var item = _underWay.Dequeue();
            if (keep(item.What)) _underWay.Enqueue(item);
        }
    }

    public void Stop()
    {
        _underWay.Clear();
        _timer.Dispose();
    }

    private void Due()
    {
        _armed = false;
        var now = _clock.GetTimestamp();
        while (_carries() && _underWay.TryPeek(out var next) && next.Due <= now)
        {
            _underWay.Dequeue();
            _arrives(next.What);
        }

        Flow();
    }

    private void Arm()
    {
        if (!_carries()) return;
        _armed = true;
        var wait = _underWay.Peek().Due - _clock.GetTimestamp();
        _timer.Change(
            wait <= 0 ? TimeSpan.Zero : new TimeSpan((wait * TimeSpan.TicksPerSecond / _clock.TimestampFrequency) + 1),
            Timeout.InfiniteTimeSpan);
    }

    private long Ticks(TimeSpan time) => time.Ticks * _clock.TimestampFrequency / TimeSpan.TicksPerSecond;
}
