using Newtonsoft.Json.Linq;
using Orchestrator.Actors.Host;

namespace Orchestrator.Actors.Journal;

/// <summary>Reads of the read model that hands share.</summary>
public static class Places
{
    /// <summary>The preferred host if it is up, else any that is up, else null: work on shared storage may go anywhere.</summary>
    public static async Task<HostId?> AnyUp(this IReadModel read, HostId preferred, CancellationToken cancel)
    {
        if (await read.Get(Kinds.Host, preferred.Value, cancel) is { } document && IsUp(document)) return preferred;
        var others = await read.List(new ReadQuery(Kinds.Host, Equal: _up, Max: 1), cancel);
        return others.Count > 0 ? new HostId(others[0].Id) : null;
    }

    /// <summary>Hosts of a cluster that are up, but one: they can turn its power.</summary>
    public static async Task<IReadOnlyList<HostId>> Neighbours(
        this IReadModel read, HostId host, ClusterId cluster, CancellationToken cancel)
    {
        var up = await read.List(HostsOf(cluster, "up"), cancel);
        return [.. up.Where(d => d.Id != host.Value).Select(d => new HostId(d.Id))];
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

    private static bool IsUp(Document document) => (string?)JObject.Parse(document.Json)["status"] == "up";
}
