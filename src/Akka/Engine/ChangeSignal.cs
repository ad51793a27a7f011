namespace Orchestrator.Engine;

/// <summary>A flag that wakes who waits: what was raised while nobody waited wakes the next one at once.</summary>
internal sealed class ChangeSignal : IDisposable
{
    private readonly Lock gate = new();
    private TaskCompletionSource? waiting;
    private bool raised;

    public void Raise()
    {
        TaskCompletionSource? woken;
        lock (gate)
        {
            woken = waiting;
            waiting = null;
            raised = woken is null;
        }

        woken?.TrySetResult();
    }

    /// <summary>What follows runs where the caller's awaits run: a simulation has one thread for all.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancel)
    {
        TaskCompletionSource mine;
        lock (gate)
        {
            if (raised)
            {
                raised = false;
                return;
            }

            mine = waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        using var timer = time.CreateTimer(
            static s => ((TaskCompletionSource)s!).TrySetResult(), mine, atMost, Timeout.InfiniteTimeSpan);
        using var cancelled = cancel.UnsafeRegister(
            static (s, token) => ((TaskCompletionSource)s!).TrySetCanceled(token), mine);
        try
        {
            await mine.Task;
        }
        finally
        {
            lock (gate)
                if (ReferenceEquals(waiting, mine)) waiting = null;
        }
    }

    public void Dispose() => Raise();
}
