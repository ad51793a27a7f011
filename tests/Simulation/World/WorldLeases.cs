using Orchestrator.Agent.Survival;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>One host's way to the leases on the shared storage. While it is gone a call fails, or hangs and fails when it
/// is back; a write that fails may have come through all the same.</summary>
internal sealed class WorldLeases(SimulatedWorld world, WorldHost host, TimeProvider clock) : IStorageLeases
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public Task Begin(string folder, StorageLease lease) => Write(folder, lease, begins: true);

    public Task Renew(string folder, StorageLease lease) => Write(folder, lease, begins: false);

    public async Task<StorageLease?> Read(string folder, Guid of)
    {
        await Reach();
        return world.StorageLeases.GetValueOrDefault((folder, of));
    }

    private async Task Write(string folder, StorageLease lease, bool begins)
    {
        await Reach();
        if (!begins && !world.StorageLeases.ContainsKey((folder, lease.Host))) throw new IOException("No such file or directory");
        world.StorageLeases[(folder, lease.Host)] = lease;
        await Reach();
    }

    private async Task Reach()
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1 + world.Random.Next(8)), clock);
        if (!host.Faults.StorageGone) return;
        if (world.Random.Next(2) == 0)
            while (host.Faults.StorageGone) await Task.Delay(Look, clock);
        throw new IOException("Input/output error: the storage does not answer");
    }
}
