using System.Net.Sockets;
using Npgsql;

namespace Orchestrator.Engine.Postgres;

/// <summary>Turns what Npgsql throws into what the contract says.</summary>
internal static class PostgresErrors
{
    /// <summary>A connection that could not be opened sent nothing.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, CancellationToken cancel)
    {
        try
        {
            return await source.OpenConnectionAsync(cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (MeansUnavailable(e, cancel))
        {
            throw new StoreUnavailableException($"PostgreSQL cannot be reached: {e.Message}", e)
            {
                CertainlyNotDone = true,
            };
        }
    }

    /// <summary>Runs work on one connection. When PostgreSQL itself answered with an error, it undid the work.</summary>
    public static async Task<T> RunAsync<T>(
        NpgsqlDataSource source, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancel)
    {
        var connection = await OpenAsync(source, cancel).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            return await SayAsync(connection, work, cancel).ConfigureAwait(false);
    }

    /// <summary>Runs work on a connection that is open.</summary>
    public static async Task<T> SayAsync<T>(
        NpgsqlConnection connection, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancel)
    {
        try
        {
            return await work(connection).ConfigureAwait(false);
        }
        catch (PostgresException e) when (IsShutdown(e))
        {
            throw new StoreUnavailableException($"PostgreSQL ended the session: {e.MessageText}", e);
        }
        catch (Exception e) when (e is not PostgresException && MeansUnavailable(e, cancel))
        {
            throw new StoreUnavailableException($"PostgreSQL did not answer: {e.Message}", e);
        }
    }

    /// <summary>Class 57 (shutdown, terminated, cancelled), 08 (connection), 53 (resources), 25006 (a standby).</summary>
    public static bool IsShutdown(PostgresException e) =>
        e.SqlState.StartsWith("57", StringComparison.Ordinal) || e.SqlState.StartsWith("08", StringComparison.Ordinal)
        || e.SqlState.StartsWith("53", StringComparison.Ordinal) || e.SqlState is "25006" or "55P03" or "40P01" or "40001";

    private static bool MeansUnavailable(Exception e, CancellationToken cancel) => e switch
    {
        OperationCanceledException => !cancel.IsCancellationRequested,
        PostgresException p => IsShutdown(p),
        NpgsqlException or TimeoutException or SocketException or IOException or ObjectDisposedException => true,
        _ => false,
    };
}
