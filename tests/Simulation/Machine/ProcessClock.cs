namespace Orchestrator.Tests.Simulation.Machine;

/// <summary>A process's clocks: the monotonic one is the world's time, the wall clock may be wrong and may jump.</summary>
public sealed class ProcessClock(SimulatedProcess process) : TimeProvider
{
    /// <summary>How far the wall clock is ahead of the world's time.</summary>
    public TimeSpan Ahead { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(process.Thread.Ticks + Ahead.Ticks, TimeSpan.Zero);

    public override long GetTimestamp() => process.Thread.Ticks - process.Thread.Start.UtcTicks + TimeSpan.TicksPerDay;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(process, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

/// <summary>A timer of a process. A periodic one that fell due while its process stood still fires once, not as often
/// as it was missed.</summary>
internal sealed class SimulatedTimer(SimulatedProcess process, TimerCallback callback, object? state) : ITimer
{
    private TimeSpan _period;

    public long Generation { get; private set; }

    /// <summary>It fell due and its process has not come to it.</summary>
    public bool IsWaiting { get; set; }

    /// <summary>It is no timer of the process but of the world about it.</summary>
    public bool IsOutside { get; init; }

    public void FallDue()
    {
        Generation++;
        if (process.State == ProcessState.Dead) return;
        if (_period > TimeSpan.Zero) process.Thread.Arm(this, process.Thread.Ticks + _period.Ticks);
        if (IsOutside)
        {
            callback(state);
            return;
        }

        if (IsWaiting) return;
        IsWaiting = true;
        process.Enqueue(new Turn(process, callback, state, this));
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        process.Thread.Guard();
        Generation++;
        _period = period;
        if (dueTime != Timeout.InfiniteTimeSpan) process.Thread.Arm(this, process.Thread.Ticks + dueTime.Ticks);
        return true;
    }

    public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
