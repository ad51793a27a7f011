using System.Collections.Concurrent;
using System.Data;
using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// A few open connections for one purpose, the one that was used last first. A pool gives them out in turn, so that each
/// write of a lone writer would wake another server process, with nothing in its caches.
/// </summary>
internal sealed class WarmConnections(NpgsqlDataSource source, int atMost) : IAsyncDisposable
{
    private readonly ConcurrentStack<NpgsqlConnection> idle = new();
    private volatile bool closed;

    /// <summary>As <see cref="PostgresErrors.RunAsync{T}(NpgsqlDataSource, Func{NpgsqlConnection, Task{T}}, CancellationToken)"/>;
    /// a connection on which anything failed goes back to the pool, which looks at it.</summary>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancel)
    {
        if (!idle.TryPop(out var connection)) connection = await PostgresErrors.OpenAsync(source, cancel).ConfigureAwait(false);
        var whole = false;
        try
        {
            var answer = await PostgresErrors.SayAsync(connection, work, cancel).ConfigureAwait(false);
            whole = connection.State == ConnectionState.Open;
            return answer;
        }
        finally
        {
            if (whole && !closed && idle.Count < atMost) idle.Push(connection);
            else await connection.DisposeAsync().ConfigureAwait(false);
            if (closed) await DisposeAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        closed = true;
        while (idle.TryPop(out var connection)) await connection.DisposeAsync().ConfigureAwait(false);
    }
}
