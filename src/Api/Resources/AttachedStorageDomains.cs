using Orchestrator.Actors;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>datacenters/{id}/storagedomains: where storage domains are attached, activated and taken out of use. A host looks at the
/// storage for it; the answer waits for the host for a while, as oVirt's does.</summary>
internal static class AttachedStorageDomains
{
    /// <summary>Well below the time in which a request must be answered.</summary>
    private static readonly TimeSpan AnsweredWithin = TimeSpan.FromSeconds(20), LookedAtEvery = TimeSpan.FromMilliseconds(100);

    public static void Map(Router router) => router
        .Get("datacenters/{id}/storagedomains", List)
        .Post("datacenters/{id}/storagedomains", Attach)
        .Get("datacenters/{id}/storagedomains/{id}", async call => Answer.Of(Show(await Read(call))))
        .Delete("datacenters/{id}/storagedomains/{id}", Detach)
        .Post("datacenters/{id}/storagedomains/{id}/activate", Activate)
        .Post("datacenters/{id}/storagedomains/{id}/deactivate", Deactivate);

    private static async Task<Answer> List(ApiCall call)
    {
        await call.Get<DataCenterView>(Kinds.DataCenter, call.Id());
        var views = await call.List<StorageDomainView>(new ReadQuery(
            Kinds.StorageDomain, new Dictionary<string, string> { ["dataCenter"] = call.Id().ToString() },
            Max: call.Parameters.Max));
        return Answer.Of(Shapes.StorageDomain, [.. views.Select(Show)]);
    }

    private static async Task<StorageDomainView> Read(ApiCall call)
    {
        var view = await call.Get<StorageDomainView>(Kinds.StorageDomain, call.Id(1));
        return view.DataCenter?.Value == call.Id()
            ? view
            : throw FaultException.Unknown($"storage domain attached to the data center {call.Ids[0]}", call.Ids[1]);
    }

    /// <summary>Attaches, and activates as oVirt does, so that the domain can be used at once.</summary>
    private static async Task<Answer> Attach(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.StorageDomain);
        var center = await call.Get<DataCenterView>(Kinds.DataCenter, call.Id());
        var id = await Refs.Resolve(call, Kinds.StorageDomain, body)
            ?? throw FaultException.Missing("StorageDomain", "id|name", "add");
        var present = await call.Get<StorageDomainView>(Kinds.StorageDomain, id);
        if (present.Config.Type == "data" && (present.Config.Host is not null) != center.Config.Local)
            throw FaultTable.Refusal(Fault.StorageDomainNotLocal, center.Config.Name);
        HostId? host = present.Config.Installation.Length > 0 ? await StorageDomains.HostFor(call, present, center.Id) : null;
        var view = await call.Ask<StorageDomainView>(Kinds.StorageDomain, id,
            new StorageDomainCommand.Attach(call.NewOrigin(), center.Id) { Host = host });
        if (view.Status == "maintenance")
            view = await call.Ask<StorageDomainView>(
                Kinds.StorageDomain, id, new StorageDomainCommand.Activate(call.NewOrigin()));
        view = await Settled(call, id, view, "activating");
        if (view.DataCenter is null) throw FaultTable.Refusal(Fault.StorageDomainStepFailed, view.StatusDetail);
        return Answer.Created(Show(view), pending: view.Status == "activating");
    }

    private static async Task<Answer> Activate(ApiCall call)
    {
        await call.ReadBody(Shapes.Action);
        var present = await Read(call);
        HostId? host = present.Config.Installation.Length > 0 ? await StorageDomains.HostFor(call, present) : null;
        var origin = call.NewOrigin();
        var view = await call.Ask<StorageDomainView>(
            Kinds.StorageDomain, present.Id.Value, new StorageDomainCommand.Activate(origin) { Host = host });
        view = await Settled(call, present.Id.Value, view, "activating");
        return view is { Status: "maintenance", StatusDetail.Length: > 0 }
            ? throw FaultTable.Refusal(Fault.StorageDomainStepFailed, view.StatusDetail)
            : Acts.Accepted(call, origin);
    }

    private static async Task<Answer> Deactivate(ApiCall call)
    {
        await call.ReadBody(Shapes.Action);
        var present = await Read(call);
        await RequireNoneRuns(call, present);
        return await Acts.Send(call, Kinds.StorageDomain, call.Id(1), origin => new StorageDomainCommand.Deactivate(origin));
    }

    private static async Task<Answer> Detach(ApiCall call)
    {
        var center = new DataCenterId(call.Id());
        var present = await call.Get<StorageDomainView>(Kinds.StorageDomain, call.Id(1));
        // Only what is to be asked of a host needs one: a domain in use is refused whether or not one is up.
        HostId? host = present is { Status: "maintenance", Config.Installation.Length: > 0 } && present.DataCenter == center
            ? await StorageDomains.HostFor(call, present)
            : null;
        var origin = call.NewOrigin();
        var view = await call.Ask<StorageDomainView>(
            Kinds.StorageDomain, call.Id(1), new StorageDomainCommand.Detach(origin, center) { Host = host });
        view = await Settled(call, call.Id(1), view, "detaching");
        return view is { DataCenter: not null, Status: not "detaching", StatusDetail.Length: > 0 }
            ? throw FaultTable.Refusal(Fault.StorageDomainStepFailed, view.StatusDetail)
            : Acts.Accepted(call, origin);
    }

    /// <summary>What has not settled by then goes on, and its status tells.</summary>
    private static async Task<StorageDomainView> Settled(ApiCall call, Guid id, StorageDomainView view, string underWay)
    {
        var began = call.World.Clock.GetTimestamp();
        while (view.Status == underWay && !call.Parameters.Async && call.World.Clock.GetElapsedTime(began) < AnsweredWithin)
        {
            await Task.Delay(LookedAtEvery, call.World.Clock, call.Cancel);
            view = await call.Get<StorageDomainView>(Kinds.StorageDomain, id);
        }

        return view;
    }

    private static async Task RequireNoneRuns(ApiCall call, StorageDomainView domain)
    {
        var disks = await call.List<DiskView>(new ReadQuery(
            Kinds.Disk, new Dictionary<string, string> { ["config.storageDomain"] = domain.Id.ToString() }));
        foreach (var vm in disks.SelectMany(disk => disk.Vms).Distinct())
            if (await call.Find(Kinds.Vm, vm.Value) is { } document && WireJson.Read<VmView>(document.Json) is { Status: not ("down" or "suspended") } view)
                throw FaultTable.Refusal(Fault.StorageDomainHasRunningVms, view.Config.Name);
    }

    private static Element Show(StorageDomainView view)
    {
        var attached = StorageDomains.Show(view);
        var href = $"{Hrefs.DataCenter(view.DataCenter!.Value.Value)}/storagedomains/{view.Id}";
        attached.Href = href;
        return attached.With("data_center", Refs.To(view.DataCenter.Value))
            .WithAction("activate", $"{href}/activate")
            .WithAction("deactivate", $"{href}/deactivate");
    }
}
