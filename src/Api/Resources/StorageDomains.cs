using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

/// <summary>storagedomains: defined, imported and removed here, and attached in <see cref="AttachedStorageDomains"/>.</summary>
internal static class StorageDomains
{
    public static void Map(Router router) => router
        .Get("storagedomains", List)
        .Post("storagedomains", Add)
        .Get("storagedomains/{id}", Get)
        .Put("storagedomains/{id}", Update)
        .Delete("storagedomains/{id}", Remove)
        .Get("storagedomains/{id}/disks", async call =>
        {
            await Read(call);
            return await Disks.ListOf(call, call.Id());
        });

    /// <summary>A host that is up in a cluster of the storage domain's data center; any of them will do.</summary>
    /// <exception cref="FaultException">409: the domain is attached nowhere, or no host there is up.</exception>
    public static async Task<HostId> HostFor(ApiCall call, StorageDomainView domain, DataCenterId? center = null)
    {
        if ((center ?? domain.DataCenter) is not { } dataCenter) throw FaultTable.Refusal(Fault.StorageDomainNotAttached, null);
        var clusters = (await call.List<ClusterView>(new ReadQuery(
                Kinds.Cluster, new Dictionary<string, string> { ["config.dataCenter"] = dataCenter.ToString() })))
            .Select(cluster => cluster.Id).ToHashSet();
        var hosts = (await call.List<HostView>(new ReadQuery(
                Kinds.Host, new Dictionary<string, string> { ["status"] = "up" })))
            .Where(host => clusters.Contains(host.Config.Cluster) && (domain.Config.Host is not { } bound || bound == host.Id)).ToList();
        return hosts.Count > 0
            ? hosts[Random.Shared.Next(hosts.Count)].Id
            : throw FaultTable.Refusal(Fault.HostNotUp,
                $"No host of the data center {dataCenter} that has the storage domain is up, so nobody can work on its images");
    }

    private static Task<StorageDomainView> Read(ApiCall call) =>
        call.Get<StorageDomainView>(Kinds.StorageDomain, call.Id());

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<StorageDomainView>(call, Kinds.StorageDomain);
        var committed = (await call.List<DiskView>(new ReadQuery(Kinds.Disk))).ToLookup(disk => disk.Config.StorageDomain, disk => disk.Config.ProvisionedSize);
        return Answer.Of(Shapes.StorageDomain, [.. views.Select(view => Show(view).With("committed", committed[view.Id].Sum()))]);
    }

    /// <summary>With what its disks may come to need.</summary>
    private static async Task<Answer> Get(ApiCall call)
    {
        var view = await Read(call);
        var disks = await call.List<DiskView>(new ReadQuery(
            Kinds.Disk, new Dictionary<string, string> { ["config.storageDomain"] = view.Id.ToString() }));
        return Answer.Of(Show(view).With("committed", disks.Sum(disk => disk.Config.ProvisionedSize)));
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.StorageDomain);
        var import = body.Flag("import") == true;
        var given = import && body.Text("name") is null ? null : Names.Required(body, "StorageDomain");
        var host = new HostId(await Refs.Resolve(call, Kinds.Host, body.One("host"))
            ?? throw FaultException.Missing("StorageDomain", "host.id|name", "add"));
        var id = Names.NewId(body);
        var config = StorageBodies.Read(call, body, id, host);
        var opening = body.One("storage")!.Flag("override_luns") == true || config is { Folder: "", Host: null } ? Opening.FormatBeside : Opening.Format;
        if (import)
        {
            var found = await Found(call, host, config, Refs.IdOf(body));
            (id, opening) = (found.Domain, call.Parameters.Flag("force") == true ? Opening.Seize : Opening.Import);
            config = config with { Type = found.Role, Folder = config.Folder.Length > 0 ? $"{Path.GetDirectoryName(config.Folder)}/{id}" : "" };
            given ??= found.Name.Length > 0 ? Names.Checked(found.Name, "StorageDomain") : throw FaultException.Missing("StorageDomain", "name", "add");
        }

        config = config with
        {
            Name = given!,
            Description = body.Text("description") ?? "",
            Comment = body.Text("comment") ?? "",
            WarningLowSpacePercent = Percent(body) ?? config.WarningLowSpacePercent,
            CriticalSpaceGigabytes = Gigabytes(body) ?? config.CriticalSpaceGigabytes,
        };
        await RequireFree(call, config, id);
        var view = await Names.Claiming(call, Kinds.StorageDomain, config.Name, id, () => call.Ask<StorageDomainView>(
            Kinds.StorageDomain, id, new StorageDomainCommand.Create(call.NewOrigin(), config, host) { Opening = opening }));
        return Answer.Created(Show(view), pending: view.Status == "locked");
    }

    /// <summary>The domain that is to be imported.</summary>
    /// <exception cref="FaultException">409: it is not there, or more than one is and none was named.</exception>
    private static async Task<DomainLabel> Found(ApiCall call, HostId host, StorageDomainConfig config, Guid? wanted)
    {
        ImmutableArray<DomainLabel> found;
        try
        {
            found = await call.World.Storage.Look(host, StorageBodies.Place(config, Guid.NewGuid()), call.Cancel);
        }
        catch (HostRefusedException e)
        {
            throw FaultTable.Refusal(Fault.StorageDomainStepFailed, e.Message);
        }

        // What is in use here cannot be imported; it may share a folder with what can.
        var free = new List<DomainLabel>();
        foreach (var label in found.Where(label => wanted is null || label.Domain == wanted))
            if (await call.Find(Kinds.StorageDomain, label.Domain) is null) free.Add(label);
        return free switch
        {
            [var one] => one,
            [] => throw FaultTable.Refusal(Fault.StorageDomainStepFailed, found.Length == 0
                ? "No storage domain is there"
                : "The storage domains that are there are known already, or have another id"),
            _ => throw FaultTable.Refusal(Fault.StorageDomainStepFailed,
                $"Several storage domains are there; name one by its id: {string.Join(", ", free.Select(label => $"{label.Domain} ({label.Name})"))}"),
        };
    }

    /// <summary>Two domains on one mount would be told apart by nobody.</summary>
    private static async Task RequireFree(ApiCall call, StorageDomainConfig config, Guid id)
    {
        if (config.Folder.Length == 0) return;
        var others = await call.List<StorageDomainView>(new ReadQuery(
            Kinds.StorageDomain, new Dictionary<string, string> { ["config.path"] = config.Path, ["config.address"] = config.Address }));
        if (others.FirstOrDefault(o => o.Id.Value != id && o.Config.StorageType == config.StorageType && o.Config.Folder.Length > 0) is { } other)
            throw FaultTable.Refusal(Fault.StorageConnectionInUse, other.Config.Name);
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var removal = call.Parameters.Flag("destroy") == true ? Removal.Destroy
            : call.Parameters.Flag("format") == true ? Removal.Wipe
            : Removal.Forget;
        // Destroyed is what cannot be reached any more: its disks could never be removed first.
        if (removal != Removal.Destroy) await Dependents.None(call, Fault.StorageDomainInUse, (Kinds.Disk, "config.storageDomain"));
        HostId? host = null;
        if (removal == Removal.Wipe && (await Read(call)).Config.Installation.Length > 0)
        {
            if (call.Parameters.Text("host") is not { Length: > 0 } word) throw FaultException.Missing("StorageDomain", "host", "remove");
            host = Guid.TryParse(word, out var id)
                ? new HostId(id)
                : new HostId(await Refs.ByName(call, Kinds.Host, word) ?? throw FaultException.Unknown("host", word));
        }

        return await Acts.Send(call, Kinds.StorageDomain, call.Id(),
            origin => new StorageDomainCommand.Remove(origin) { Removal = host is null && removal == Removal.Wipe ? Removal.Forget : removal, Host = host });
    }

    private static int? Percent(Element body) => body.Number("warning_low_space_indicator") switch
    {
        null => null,
        >= 0 and <= 100 and var percent => (int)percent,
        var other => throw FaultException.Bad($"StorageDomain.warning_low_space_indicator is {other}; it is a percentage"),
    };

    private static int? Gigabytes(Element body) => body.Number("critical_space_action_blocker") switch
    {
        null => null,
        >= 0 and <= int.MaxValue and var gigabytes => (int)gigabytes,
        var other => throw FaultException.Bad($"StorageDomain.critical_space_action_blocker is {other}; it is a number of GiB"),
    };

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.StorageDomain);
        var present = await Read(call);
        var name = Names.Changed(body, "StorageDomain", present.Config.Name);
        var patch = new StorageDomainPatch
        {
            Name = name,
            Description = body.Text("description"),
            Comment = body.Text("comment"),
            WarningLowSpacePercent = Percent(body),
            CriticalSpaceGigabytes = Gigabytes(body),
            Location = body.One("storage") is { } storage ? await Moved(call, present, storage) : null,
        };
        var view = await Names.Renaming(call, Kinds.StorageDomain, name, present.Config.Name, call.Id(), () =>
            call.Ask<StorageDomainView>(
                Kinds.StorageDomain, call.Id(), new StorageDomainCommand.Update(call.NewOrigin(), patch)));
        return Answer.Of(Show(view));
    }

    /// <summary>Null: it is where it was. Clients send back what they have read.</summary>
    internal static async Task<StorageLocation?> Moved(ApiCall call, StorageDomainView present, Element storage)
    {
        var config = present.Config;
        var location = StorageBodies.Location(storage, config.StorageType, config);
        if (location == new StorageLocation(config.Address, config.Path, config.VfsType, config.MountOptions)) return null;
        if (config.Folder.Length == 0)
            throw FaultException.Bad("StorageDomain.storage cannot change: the domain is a folder of the hosts, by whose path its images are named");
        await RequireFree(call, config with { Address = location.Address, Path = location.Path }, present.Id.Value);
        return location;
    }

    public static Element Show(StorageDomainView view)
    {
        var config = view.Config;
        var href = Hrefs.StorageDomain(view.Id.Value);
        var domain = Shapes.StorageDomain.New(view.Id.Value, href)
            .With("name", config.Name)
            .With("description", config.Description)
            .With("comment", config.Comment)
            .With("available", view.Available)
            .With("used", view.Used)
            .With("status", view.Status)
            .With("storage_format", "v5")
            .With("type", config.Type)
            .With("warning_low_space_indicator", config.WarningLowSpacePercent)
            .With("critical_space_action_blocker", config.CriticalSpaceGigabytes)
            .With("storage", StorageBodies.Show(config))
            .WithLink("disks", $"{href}/disks")
            .WithLink("storageconnections", $"{href}/storageconnections");
        if (view.StatusDetail.Length > 0) domain.With("status_detail", view.StatusDetail);
        if (view.DataCenter is { } dataCenter) domain.With("data_centers", [Refs.To(dataCenter)]);
        return domain;
    }
}
