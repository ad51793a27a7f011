using Npgsql;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.ReadModel;

/// <summary>Says a statement that may be said twice again until the database answers, or the patience ends.</summary>
public sealed class Patience(TimeSpan patience, TimeProvider clock)
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(250);

    /// <exception cref="EntityUnavailableException">The database did not answer.</exception>
    public async Task<T> Run<T>(Func<Task<T>> statement, CancellationToken cancel)
    {
        var began = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return await statement();
            }
            catch (Exception e) when (IsAway(e))
            {
                if (clock.GetElapsedTime(began) > patience)
                    throw new EntityUnavailableException($"the database does not answer: {e.Message}", TimeSpan.FromSeconds(2));
                await Task.Delay(AgainAfter, clock, cancel);
            }
        }
    }

    /// <summary>Broken, refused, starting up or shutting down, or a standby by now; not a statement that is wrong.</summary>
    private static bool IsAway(Exception e) => e is PostgresException refused
        ? refused.IsTransient || refused.SqlState.StartsWith("57", StringComparison.Ordinal)
            || refused.SqlState.StartsWith("08", StringComparison.Ordinal) || refused.SqlState == "25006"
        : e is NpgsqlException or TimeoutException or IOException or ObjectDisposedException;
}
