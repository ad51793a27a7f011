using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.StorageDomain;

namespace Orchestrator.Actors.Journal;

/// <summary>Reads of the read model that hands share.</summary>
public static class Places
{
    /// <summary>The preferred host if it is up, else one of its data center that is up, else null. Of a host that is no more nobody knows
    /// where it was.</summary>
    public static async Task<HostId?> AnyUp(this IReadModel read, HostId preferred, CancellationToken cancel)
    {
        if (await read.View<HostView>(Kinds.Host, preferred.Value, cancel) is { } host)
        {
            if (host.Status == "up") return preferred;
            // Those of another data center have other storage.
            return await read.Sharing(preferred, host.Config.Cluster, cancel) is [var first, ..] ? first : null;
        }

        var others = await read.List(new ReadQuery(Kinds.Host, Equal: _up, Max: 1), cancel);
        return others.Count > 0 ? new HostId(others[0].Id) : null;
    }

    /// <summary>Hosts that are up and can turn another's power, those of the places that it prefers first.</summary>
    /// <returns>Near: how many of them are of the first place that has any.</returns>
    public static async Task<(IReadOnlyList<HostId> All, int Near)> Neighbours(
        this IReadModel read, HostId host, HostConfig config, CancellationToken cancel)
    {
        var all = new List<HostId>();
        var near = 0;
        foreach (var place in config.PmProxies.IsEmpty ? ["cluster", "dc"] : config.PmProxies)
        {
            all.AddRange(await UpIn(read, place, host, config.Cluster, cancel));
            if (near == 0) near = all.Count;
        }

        return (all, near);
    }

    /// <summary>Other hosts of the data center that are up, those of the cluster first: they have the same storage.</summary>
    public static async Task<IReadOnlyList<HostId>> Sharing(
        this IReadModel read, HostId host, ClusterId cluster, CancellationToken cancel) =>
        [.. await UpIn(read, "cluster", host, cluster, cancel), .. await UpIn(read, "dc", host, cluster, cancel)];

    private static async Task<List<HostId>> UpIn(
        IReadModel read, string place, HostId but, ClusterId cluster, CancellationToken cancel)
    {
        var up = new List<HostId>();
        foreach (var one in await ClustersOf(read, cluster, place, cancel))
            up.AddRange((await read.List(HostsOf(one, "up"), cancel)).Where(d => d.Id != but.Value).Select(d => new HostId(d.Id)));
        return up;
    }

    private static async Task<IEnumerable<ClusterId>> ClustersOf(
        IReadModel read, ClusterId cluster, string place, CancellationToken cancel)
    {
        if (place == "cluster") return [cluster];
        var all = (await read.List(new ReadQuery(Kinds.Cluster), cancel)).Select(d => WireJson.Read<ClusterView>(d.Json)).ToList();
        var own = all.FirstOrDefault(c => c.Id == cluster)?.Config.DataCenter;
        return all.Where(c => c.Id != cluster && c.Config.DataCenter == own == (place == "dc")).Select(c => c.Id);
    }

    /// <summary>How many hosts a cluster has, and how many of them are not reached.</summary>
    public static async Task<(int All, int Unreached)> Reachability(
        this IReadModel read, ClusterId cluster, CancellationToken cancel)
    {
        var all = await read.Count(HostsOf(cluster), cancel);
        var connecting = await read.Count(HostsOf(cluster, "connecting"), cancel);
        var silent = await read.Count(HostsOf(cluster, "non_responsive"), cancel);
        return ((int)all, (int)(connecting + silent));
    }

    /// <summary>Hosts of a cluster that are up.</summary>
    public static async Task<IEnumerable<HostView>> UpIn(this IReadModel read, ClusterId cluster, CancellationToken cancel) =>
        (await read.List(HostsOf(cluster, "up"), cancel)).Select(d => WireJson.Read<HostView>(d.Json));

    /// <summary>Where hosts of a cluster can keep their leases: with the oldest active data domain of its data center.</summary>
    public static async Task<string?> LeaseFolder(this IReadModel read, ClusterId cluster, CancellationToken cancel) =>
        (await read.SharedDomains(cluster, cancel)).FirstOrDefault(d => d.Status == "active") is { } oldest
            ? StoragePlaces.Metadata(oldest.Config, oldest.Id)
            : null;

    /// <summary>Names of the data domains in use that all hosts of a cluster share, with the folders of their metadata; the oldest
    /// first.</summary>
    public static async Task<IReadOnlyList<(string Name, string Folder)>> DataDomains(
        this IReadModel read, ClusterId cluster, CancellationToken cancel) =>
        [.. (await read.SharedDomains(cluster, cancel)).Select(d => (d.Config.Name, StoragePlaces.Metadata(d.Config, d.Id)))];

    private static async Task<IEnumerable<StorageDomainView>> SharedDomains(this IReadModel read, ClusterId cluster, CancellationToken cancel)
    {
        if (await read.View<ClusterView>(Kinds.Cluster, cluster.Value, cancel) is not { Config.DataCenter: var dataCenter }) return [];
        var attached = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["dataCenter"] = dataCenter.ToString(),
            ["config.type"] = "data",
        };
        var domains = await read.List(new ReadQuery(Kinds.StorageDomain, Equal: attached), cancel);
        return domains.Select(d => WireJson.Read<StorageDomainView>(d.Json))
            .Where(d => d.Status is "active" or "inactive" && d.Config.StorageType != "localfs")
            .OrderBy(d => d.CreatedAt).ThenBy(d => d.Id.Value);
    }

    public static async Task<T?> View<T>(this IReadModel read, string kind, Guid id, CancellationToken cancel)
        where T : class =>
        await read.Get(kind, id, cancel) is { } document ? WireJson.Read<T>(document.Json) : null;

    private static readonly Dictionary<string, string> _up = new(StringComparer.Ordinal) { ["status"] = "up" };

    private static ReadQuery HostsOf(ClusterId cluster, string? status = null)
    {
        var equal = new Dictionary<string, string>(StringComparer.Ordinal) { ["config.cluster"] = cluster.ToString() };
        if (status is not null) equal["status"] = status;
        return new ReadQuery(Kinds.Host, equal);
    }
}
