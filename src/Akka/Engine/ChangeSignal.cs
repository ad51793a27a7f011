namespace Orchestrator.Engine;

/// <summary>A flag that wakes one waiter: what was raised while nobody waited wakes the next one at once.</summary>
internal sealed class ChangeSignal : IDisposable
{
    private readonly SemaphoreSlim raised = new(0, 1);
    private readonly Lock gate = new();

    public void Raise()
    {
        lock (gate)
            if (raised.CurrentCount == 0) raised.Release();
    }

    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancel)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var timer = time.CreateTimer(static s => ((CancellationTokenSource)s!).Cancel(), bound, atMost, Timeout.InfiniteTimeSpan);
        await using (timer.ConfigureAwait(false))
        {
            try
            {
                await raised.WaitAsync(bound.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
            }
        }
    }

    /// <summary>Wakes who still waits; the semaphore itself holds nothing that needs to be freed.</summary>
    public void Dispose() => Raise();
}
