using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Simulated;

/// <summary>Mounts in memory, until the machine's agent is started anew.</summary>
public sealed class SimulatedMounter : IMounter
{
    private ImmutableHashSet<string> _mounted = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    public IReadOnlySet<string> Mounted() => _mounted;

    public Task Mount(StorageMount mount, string folder, CancellationToken cancel)
    {
        _mounted = _mounted.Add(folder);
        return Task.CompletedTask;
    }

    public Task Unmount(string folder, CancellationToken cancel)
    {
        _mounted = _mounted.Remove(folder);
        return Task.CompletedTask;
    }
}
