namespace Orchestrator.Engine;

/// <summary>
/// Runs the turns of any number of systems on the thread that calls it, first come first served, with a clock that only
/// moves when told. Two runs with the same inputs and seeds take the same steps.
/// </summary>
public sealed class SingleThreadDispatcher : IEngineDispatcher
{
    private readonly Queue<Action> _turns = new();
    private readonly VirtualClock _clock;

    public SingleThreadDispatcher(DateTimeOffset start) => _clock = new VirtualClock(start);

    /// <summary>The clock to give to every system that runs here.</summary>
    public TimeProvider Clock => _clock;

    public DateTimeOffset Now => _clock.GetUtcNow();

    public void Schedule(Action turn)
    {
        lock (_turns) _turns.Enqueue(turn);
    }

    /// <summary>Takes one turn; false when nobody has anything to do at this moment.</summary>
    public bool RunOne()
    {
        Action? turn;
        lock (_turns)
        {
            if (!_turns.TryDequeue(out turn)) return false;
        }
        turn();
        return true;
    }

    /// <summary>Takes turns until nobody has anything to do at this moment.</summary>
    public void RunUntilIdle()
    {
        while (RunOne())
        {
        }
    }

    /// <summary>Moves to the next timer, not beyond <paramref name="atMost"/> from now, fires it and all that follows.
    /// False when there was none; the clock then stands at the bound.</summary>
    public bool AdvanceToNextTimer(TimeSpan atMost)
    {
        RunUntilIdle();
        var fired = _clock.FireNext(Now + atMost);
        RunUntilIdle();
        return fired;
    }

    /// <summary>Lets the time pass, with everything that happens in it, in the order of its moments.</summary>
    public void Advance(TimeSpan time)
    {
        var end = Now + time;
        while (AdvanceToNextTimer(end - Now))
        {
        }
    }
}

/// <summary>A clock that stands still until its next timer is fired. Timers of one moment fire in the order in which
/// they were set.</summary>
internal sealed class VirtualClock(DateTimeOffset start) : TimeProvider
{
    private readonly PriorityQueue<(VirtualTimer Timer, long Generation), (long Ticks, long Order)> _queue = new();
    private long _ticks = start.UtcTicks;
    private long _order;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _ticks), TimeSpan.Zero);

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public bool FireNext(DateTimeOffset notAfter)
    {
        VirtualTimer timer;
        lock (_queue)
        {
            while (true)
            {
                if (!_queue.TryPeek(out var next, out var at) || at.Ticks > notAfter.UtcTicks)
                {
                    _ticks = Math.Max(_ticks, notAfter.UtcTicks);
                    return false;
                }
                _queue.Dequeue();
                if (next.Timer.Generation != next.Generation) continue;
                _ticks = Math.Max(_ticks, at.Ticks);
                timer = next.Timer;
                timer.Generation++;
                if (timer.Period > TimeSpan.Zero) Arm(timer, timer.Period);
                break;
            }
        }
        timer.Fire();
        return true;
    }

    private void Arm(VirtualTimer timer, TimeSpan due) =>
        _queue.Enqueue((timer, timer.Generation), (_ticks + due.Ticks, _order++));

    private sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state) : ITimer
    {
        public long Generation { get; set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._queue)
            {
                Generation++;
                Period = period;
                if (dueTime != Timeout.InfiniteTimeSpan) clock.Arm(this, dueTime);
                return true;
            }
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
