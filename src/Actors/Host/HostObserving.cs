using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Asks a host from time to time what it sees of itself and of its guests, and keeps that for who wants to look.</summary>
internal sealed class HostObserving(HostId id, IAgent client, HostWorld world, IObservations kept)
{
    public async Task Run(CancellationToken closed)
    {
        // Hosts that are taken up at the same moment are not asked at the same moment for ever.
        var every = world.Settings.ObserveEvery;
        var pause = every * (0.5 + (Math.Abs(id.Value.GetHashCode()) % 100 / 200.0));
        while (!closed.IsCancellationRequested)
        {
            await world.Pause(pause, closed);
            if (closed.IsCancellationRequested) return;
            pause = every;
            try
            {
                await kept.Put(id, await client.Observe(closed), closed);
            }
            catch (Exception e) when (e is AgentUnreachableException or EntityUnavailableException or OperationCanceledException)
            {
                // What was seen last stays until it is too old.
            }
            catch (AgentRefusedException)
            {
                // An agent of 0.1.0, or one whose hypervisor is away: it may be another one later.
                pause = 4 * every;
            }
        }
    }
}
