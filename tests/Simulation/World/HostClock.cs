namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// A machine's clock: wall time may be wrong by an offset, what has elapsed never is. Timers go off in the world's own
/// context; while it is held (a process that hangs) they wait, each at most once.
/// </summary>
internal sealed class HostClock(TimeProvider clock, WorldContext context, HostClock? machine = null) : TimeProvider
{
    private readonly List<HostTimer> _late = [];
    private bool _held;

    public TimeSpan Offset { get; set; }

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow() + (machine?.Offset ?? Offset);

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new HostTimer(this, callback, state);
        timer.Inner = clock.CreateTimer(static t => ((HostTimer)t!).Due(), timer, dueTime, period);
        return timer;
    }

    public void Hold() => _held = true;

    public void Release()
    {
        _held = false;
        var late = _late.ToList();
        _late.Clear();
        foreach (var timer in late) timer.Due();
    }

    private sealed class HostTimer(HostClock owner, TimerCallback callback, object? state) : ITimer
    {
        private bool _gone;
        private bool _waits;

        public ITimer? Inner { get; set; }

        public bool Change(TimeSpan dueTime, TimeSpan period) => Inner!.Change(dueTime, period);

        public void Dispose()
        {
            _gone = true;
            Inner?.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        public void Due()
        {
            if (_gone) return;
            if (owner._held)
            {
                if (!_waits) owner._late.Add(this);
                _waits = true;
                return;
            }

            _waits = false;
            owner.Enter(callback, state);
        }
    }

    private void Enter(TimerCallback callback, object? state) => context.Run(callback, state);
}
