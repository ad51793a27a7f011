using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>Where the memory of a VM that is suspended is written: beside the images, as oVirt does.</summary>
internal static class Memories
{
    /// <summary>The storage domain of its first disk where that has room, else the one with most room, of those that are
    /// active in its data center.</summary>
    /// <returns>Null when none has room for all of its memory.</returns>
    public static async Task<string?> FolderFor(ApiCall call, VmConfig config)
    {
        var cluster = await call.Get<ClusterView>(Kinds.Cluster, config.Cluster.Value);
        var active = await call.List<StorageDomainView>(new ReadQuery(Kinds.StorageDomain, new Dictionary<string, string>
        {
            ["status"] = "active",
            ["dataCenter"] = cluster.Config.DataCenter.ToString(),
        }));
        StorageDomainId? own = config.Disks is [var first, ..] && await call.Find(Kinds.Disk, first.Disk.Value) is { } disk
            ? WireJson.Read<DiskView>(disk.Json).Config.StorageDomain
            : null;
        var domain = active.Where(d => d.Available >= config.Memory)
            .OrderByDescending(d => d.Id == own).ThenByDescending(d => d.Available).FirstOrDefault();
        return domain is null ? null : StoragePlaces.Images(domain.Config, domain.Id);
    }
}
