using Microsoft.Extensions.Hosting;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Host.Node;

/// <summary>Drops jobs that are over and what was seen of who is gone, once a minute. Every node does it; that is harmless.</summary>
internal sealed class OldJobs(PostgresReadModel read, PostgresObservations observations, TimeProvider clock) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await read.DropOldJobs(stoppingToken);
                    await observations.DropOld(stoppingToken);
                }
                catch (EntityUnavailableException)
                {
                    // The database is away: they are dropped a minute later.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The node ends.
        }
    }
}
