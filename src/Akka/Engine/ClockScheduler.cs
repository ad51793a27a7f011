using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>The scheduler of a system, on the system's clock.</summary>
internal sealed class ClockScheduler(LocalSystem system) : IScheduler, IAdvancedScheduler
{
    private readonly long _start = system.Clock.GetTimestamp();

    public IAdvancedScheduler Advanced => this;

    public DateTimeOffset Now => system.Clock.GetUtcNow();

    public TimeSpan MonotonicClock => system.Clock.GetElapsedTime(_start);

    public TimeSpan HighResMonotonicClock => MonotonicClock;

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellOnce(delay, receiver, message, sender, null);

    public void ScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable? cancelable) =>
        Arm(delay, Timeout.InfiniteTimeSpan, () => receiver.Tell(message, sender), cancelable);

    public void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender, null);

    public void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender,
        ICancelable? cancelable) =>
        Arm(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);

    public void ScheduleOnce(TimeSpan delay, Action action) => ScheduleOnce(delay, action, null);

    public void ScheduleOnce(TimeSpan delay, Action action, ICancelable? cancelable) =>
        Arm(delay, Timeout.InfiniteTimeSpan, action, cancelable);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action) =>
        ScheduleRepeatedly(initialDelay, interval, action, null);

    public void ScheduleRepeatedly(TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable? cancelable) =>
        Arm(initialDelay, interval, action, cancelable);

    private void Arm(TimeSpan delay, TimeSpan interval, Action action, ICancelable? cancelable)
    {
        if (cancelable is { IsCancellationRequested: true }) return;
        ITimer? timer = null;
        var armed = system.Clock.CreateTimer(
            _ =>
            {
                if (cancelable is { IsCancellationRequested: true })
                {
                    Volatile.Read(ref timer)?.Dispose();
                    return;
                }
                if (interval == Timeout.InfiniteTimeSpan) Volatile.Read(ref timer)?.Dispose();
                action();
            },
            null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Volatile.Write(ref timer, armed);
        cancelable?.Token.UnsafeRegister(_ => armed.Dispose(), null);
        armed.Change(delay < TimeSpan.Zero ? TimeSpan.Zero : delay, interval);
    }
}
