using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>Every path that the API knows.</summary>
public static class Routes
{
    public static Router All()
    {
        var router = new Router();
        EntryPoint.Map(router);
        DataCenters.Map(router);
        Clusters.Map(router);
        Hosts.Map(router);
        FenceAgents.Map(router);
        HostHooks.Map(router);
        HostInstalls.Map(router);
        StorageDomains.Map(router);
        AttachedStorageDomains.Map(router);
        StorageConnections.Map(router);
        Disks.Map(router);
        DiskRewrites.Map(router);
        ImageTransfers.Map(router);
        Templates.Map(router);
        Vms.Map(router);
        Observed.Map(router);
        Statistics.Map(router);
        DiskAttachments.Map(router);
        Nics.Map(router);
        Watchdogs.Map(router);
        NumaNodes.Map(router);
        NetworkFilters.Map(router);
        GraphicsConsoles.Map(router);
        FrozenGuests.Map(router);
        Cdroms.Map(router);
        Snapshots.Map(router);
        Clones.Map(router);
        SnapshotContents.Map(router);
        Events.Map(router);
        Jobs.Map(router);
        Users.Map(router);
        Networks.Map(router);
        ClusterNetworks.Map(router);
        Tags.Map(router);
        MacPools.Map(router);
        SmallKinds.Map(router);
        SystemLists.Map(router);
        SchedulingPolicies.Map(router);
        Descriptions.Map(router);
        Aliases.Map(router);
        Unbuilt.Map(router);
        return router;
    }
}
