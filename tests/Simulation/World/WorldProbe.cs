using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>One host's look at the shared storage. While that is gone every other host is told so at once; on the rest a
/// reading hangs until it is back.</summary>
internal sealed class WorldProbe(WorldHost host, TimeProvider clock) : IDomainProbe, IPlaceProbe
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1), Takes = TimeSpan.FromMilliseconds(3);

    public async Task<PlaceSize> Look(StoragePlace place)
    {
        await Read(place.Folder);
        return new PlaceSize(SimulatedImages.DomainBytes, SimulatedImages.DomainBytes, Takes);
    }

    public async Task Read(string folder)
    {
        await Task.Delay(Takes, clock);
        if (!host.Faults.StorageGone) return;
        if (host.Number % 2 == 0)
            while (host.Faults.StorageGone) await Task.Delay(Again, clock);
        throw new IOException("Input/output error: the storage does not answer");
    }
}
