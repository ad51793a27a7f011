using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Which storage domains which hosts must have; read for all hosts of a node at once, and a moment old.</summary>
public sealed class StorageMap(IReadModel read, TimeProvider clock)
{
    private static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private Task<Known>? _known;
    private long _at;

    /// <exception cref="EntityUnavailableException">The database is away.</exception>
    public Task<Known> Read()
    {
        lock (_gate)
        {
            if (_known is null or { IsFaulted: true } or { IsCanceled: true } || (_known.IsCompleted && clock.GetElapsedTime(_at) >= ReadEvery))
                (_known, _at) = (Load(), clock.GetTimestamp());
            return _known;
        }
    }

    private async Task<Known> Load()
    {
        var clusters = await read.List(new ReadQuery(Kinds.Cluster), CancellationToken.None);
        var domains = await read.List(new ReadQuery(Kinds.StorageDomain), CancellationToken.None);
        return new Known(
            clusters.Select(d => WireJson.Read<ClusterView>(d.Json)).ToDictionary(c => c.Id, c => c.Config.DataCenter),
            domains.Select(d => WireJson.Read<StorageDomainView>(d.Json))
                .Where(d => d.Status is "active" or "inactive" or "activating" && d.DataCenter is not null)
                .OrderBy(d => d.Id.Value).ToList());
    }

    public sealed record Known(IReadOnlyDictionary<ClusterId, DataCenterId> Centers, IReadOnlyList<StorageDomainView> Domains)
    {
        /// <summary>Of the host's data center, and of local storage that of the host alone.</summary>
        public IEnumerable<StorageDomainView> Of(HostId host, ClusterId cluster) =>
            Centers.TryGetValue(cluster, out var center)
                ? Domains.Where(d => d.DataCenter == center && (d.Config.Host is not { } bound || bound == host))
                : [];
    }
}
