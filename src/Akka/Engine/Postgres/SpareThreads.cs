namespace Orchestrator.Engine.Postgres;

/// <summary>
/// Npgsql asks a server to cancel each statement that has timed out, and waits for that on a thread of the pool, for up to
/// twice the connection's time-out (npgsql/npgsql#3277). A server that hangs would so hold all threads for seconds, and
/// nothing else of this node would go on. While one hangs, the pool may have as many threads more as there are
/// connections; at other times they would only get into each other's way.
/// </summary>
internal static class SpareThreads
{
    private const int More = 48;

    private static readonly Lock _gate = new();
    private static int _hanging;

    /// <summary>One server more hangs, or one less.</summary>
    public static void Note(bool hangs)
    {
        lock (_gate)
        {
            _hanging += hangs ? 1 : -1;
            if (_hanging != (hangs ? 1 : 0)) return;
            ThreadPool.GetMinThreads(out var workers, out var completions);
            ThreadPool.SetMinThreads(workers + (hangs ? More : -More), completions);
        }
    }
}
