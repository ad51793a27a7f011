namespace Orchestrator.Tests.Simulation.World;

/// <summary>The smallest virtual time that a test of the world needs: one queue of calls, one of timers, one thread.</summary>
internal sealed class OneThread : TimeProvider
{
    private readonly PriorityQueue<(Timer Timer, long Round), (long Due, long Order)> _timers = new();
    private readonly Calls _calls = new();
    private long _now;
    private long _order;

    public long Fired { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(50) + new TimeSpan(_now);

    /// <summary>Runs the story to its end; fails when nothing is left that could carry it on.</summary>
    public void Run(Func<Task> story)
    {
        var outside = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_calls);
        try
        {
            var told = story();
            while (!told.IsCompleted)
                if (!_calls.RunOne() && !Advance())
                    throw new InvalidOperationException("the story waits for something that never comes");
            told.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outside);
        }
    }

    public Task Pass(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), this);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private bool Advance()
    {
        while (_timers.TryDequeue(out var next, out var at))
        {
            if (!next.Timer.IsDue(next.Round)) continue;
            _now = Math.Max(_now, at.Due);
            Fired++;
            next.Timer.Fire();
            return true;
        }

        return false;
    }

    private void Arm(Timer timer, TimeSpan time, long round) =>
        _timers.Enqueue((timer, round), (_now + Math.Max(0, time.Ticks), _order++));

    private sealed class Timer(OneThread owner, TimerCallback callback, object? state) : ITimer
    {
        private long _round;
        private bool _armed;
        private TimeSpan _period;

        public bool IsDue(long round) => _armed && round == _round;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _round++;
            _period = period;
            _armed = dueTime != Timeout.InfiniteTimeSpan;
            if (_armed) owner.Arm(this, dueTime, _round);
            return true;
        }

        public void Fire()
        {
            if (_period > TimeSpan.Zero) owner.Arm(this, _period, _round);
            else _armed = false;
            callback(state);
        }

        public void Dispose() => (_armed, _round) = (false, _round + 1);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }

    private sealed class Calls : SynchronizationContext
    {
        private readonly Queue<(SendOrPostCallback Call, object? State)> _queue = new();

        public override void Post(SendOrPostCallback d, object? state) => _queue.Enqueue((d, state));

        public override SynchronizationContext CreateCopy() => this;

        public bool RunOne()
        {
            if (!_queue.TryDequeue(out var next)) return false;
            next.Call(next.State);
            return true;
        }
    }
}
