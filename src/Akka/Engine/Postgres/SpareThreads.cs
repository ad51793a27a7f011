namespace Orchestrator.Engine.Postgres;

/// <summary>
/// Npgsql asks a server to cancel each statement that has timed out, and waits for that on a thread of the pool, for up to
/// twice the connection's time-out (npgsql/npgsql#3277). A server that hangs would so hold all threads for seconds, and
/// nothing else of this node would go on. While one hangs, the pool may have as many threads more as there are
/// connections; at other times they would only get into each other's way.
/// </summary>
internal sealed class SpareThreads : IDisposable
{
    private const int More = 48;

    private readonly Lock gate = new();
    private readonly HashSet<ServerAddress> hanging = [];

    public void Note(ServerAddress server, bool hangs)
    {
        lock (gate)
        {
            var before = hanging.Count;
            _ = hangs ? hanging.Add(server) : hanging.Remove(server);
            if (before == 0 && hangs) Add(More);
            if (before == 1 && hanging.Count == 0) Add(-More);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (hanging.Count > 0) Add(-More);
            hanging.Clear();
        }
    }

    private static void Add(int threads)
    {
        ThreadPool.GetMinThreads(out var workers, out var completions);
        ThreadPool.SetMinThreads(workers + threads, completions);
    }
}
