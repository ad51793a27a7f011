namespace Orchestrator.Engine;

/// <summary>A child and how often it was restarted lately.</summary>
internal sealed class ChildStats(LocalActorRef child)
{
    private int _retries;
    private long _windowStart;

    public LocalActorRef Ref { get; } = child;

    /// <summary>Negative bounds mean "no bound"; the window restarts when it has run out.</summary>
    public bool MayRestart(int maxRetries, int withinMilliseconds, TimeProvider clock)
    {
        if (maxRetries < 0 && withinMilliseconds <= 0) return true;
        if (maxRetries == 0) return false;
        var allowed = maxRetries < 0 ? 1 : maxRetries;
        if (withinMilliseconds <= 0) return ++_retries <= allowed;
        var now = clock.GetTimestamp();
        var inWindow = _windowStart != 0
            && clock.GetElapsedTime(_windowStart, now).TotalMilliseconds <= withinMilliseconds;
        if (!inWindow) (_windowStart, _retries) = (now == 0 ? 1 : now, 0);
        return ++_retries <= allowed;
    }
}
