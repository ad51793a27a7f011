using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

/// <summary>storagedomains, and datacenters/{id}/storagedomains where they are attached and activated.</summary>
internal static class StorageDomains
{
    private static readonly Dictionary<string, SearchField> _search = new()
    {
        ["id"] = new("id"),
        ["status"] = new("status"),
        ["type"] = new("config.storageType"),
        ["datacenter"] = new("dataCenter", Kinds.DataCenter),
        ["description"] = new("config.description"),
        ["comment"] = new("config.comment"),
    };

    public static void Map(Router router) => router
        .Get("storagedomains", List)
        .Post("storagedomains", Add)
        .Get("storagedomains/{id}", async call => Answer.Of(Show(await Read(call))))
        .Put("storagedomains/{id}", Update)
        .Delete("storagedomains/{id}", async call =>
        {
            // Destroyed is what cannot be reached any more: its disks could never be removed first.
            if (call.Parameters.Flag("destroy") != true)
                await Dependents.None(call, Fault.StorageDomainInUse, (Kinds.Disk, "config.storageDomain"));
            return await Acts.Send(
                call, Kinds.StorageDomain, call.Id(), origin => new StorageDomainCommand.Remove(origin));
        })
        .Get("storagedomains/{id}/disks", async call =>
        {
            await Read(call);
            return await Disks.ListOf(call, call.Id());
        })
        .Get("datacenters/{id}/storagedomains", ListAttached)
        .Post("datacenters/{id}/storagedomains", Attach)
        .Get("datacenters/{id}/storagedomains/{id}", async call => Answer.Of(ShowAttached(await ReadAttached(call))))
        .Delete("datacenters/{id}/storagedomains/{id}", call => Acts.Send(call, Kinds.StorageDomain, call.Id(1),
            origin => new StorageDomainCommand.Detach(origin, new DataCenterId(call.Id()))))
        .Post("datacenters/{id}/storagedomains/{id}/activate", call =>
            Act(call, origin => new StorageDomainCommand.Activate(origin)))
        .Post("datacenters/{id}/storagedomains/{id}/deactivate", call =>
            Act(call, origin => new StorageDomainCommand.Deactivate(origin)));

    /// <summary>A host that is up in a cluster of the storage domain's data center; any of them will do.</summary>
    /// <exception cref="FaultException">409: the domain is attached nowhere, or no host there is up.</exception>
    public static async Task<HostId> HostFor(ApiCall call, StorageDomainView domain)
    {
        if (domain.DataCenter is not { } dataCenter) throw FaultTable.Refusal(Fault.StorageDomainNotAttached, null);
        var clusters = (await call.List<ClusterView>(new ReadQuery(
                Kinds.Cluster, new Dictionary<string, string> { ["config.dataCenter"] = dataCenter.ToString() })))
            .Select(cluster => cluster.Id).ToHashSet();
        var hosts = (await call.List<HostView>(new ReadQuery(
                Kinds.Host, new Dictionary<string, string> { ["status"] = "up" })))
            .Where(host => clusters.Contains(host.Config.Cluster)).ToList();
        return hosts.Count > 0
            ? hosts[Random.Shared.Next(hosts.Count)].Id
            : throw FaultTable.Refusal(Fault.HostNotUp,
                $"No host of the storage domain's data center {dataCenter} is up, so nobody can work on its images");
    }

    private static Task<StorageDomainView> Read(ApiCall call) =>
        call.Get<StorageDomainView>(Kinds.StorageDomain, call.Id());

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<StorageDomainView>(
            call, Kinds.StorageDomain, _search, view => view.Config.Name);
        return Answer.Of(Shapes.StorageDomain, [.. views.Select(Show)]);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.StorageDomain);
        var name = Names.Required(body, "StorageDomain");
        var host = await Refs.Resolve(call, Kinds.Host, body.One("host"))
            ?? throw FaultException.Missing("StorageDomain", "host.id|name", "add");
        if (body.One("storage") is not { } storage) throw FaultException.Missing("StorageDomain", "storage", "add");
        if (storage.Text("type") is not { } type) throw FaultException.Missing("StorageDomain", "storage.type", "add");
        if (type is not ("posixfs" or "nfs" or "localfs"))
            throw FaultException.NotYet($"Storage of the type {type}");
        if (storage.Text("path") is not { Length: > 0 } path)
            throw FaultException.Missing("StorageDomain", "storage.path", "add");
        if (type == "nfs" && string.IsNullOrEmpty(storage.Text("address")))
            throw FaultException.Missing("StorageDomain", "storage.address", "add");
        var id = Names.NewId(body);
        var config = new StorageDomainConfig
        {
            Name = name,
            Description = body.Text("description") ?? "",
            Comment = body.Text("comment") ?? "",
            Type = body.Text("type") ?? "data",
            StorageType = type,
            Address = storage.Text("address") ?? "",
            Path = AbsolutePath(path),
            VfsType = storage.Text("vfs_type") ?? "",
        };
        var view = await Names.Claiming(call, Kinds.StorageDomain, name, id, () => call.Ask<StorageDomainView>(
            Kinds.StorageDomain, id, new StorageDomainCommand.Create(call.NewOrigin(), config, new HostId(host))));
        return Answer.Created(Show(view), pending: view.Status == "locked");
    }

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
        };
        var view = await Names.Renaming(call, Kinds.StorageDomain, name, present.Config.Name, call.Id(), () =>
            call.Ask<StorageDomainView>(
                Kinds.StorageDomain, call.Id(), new StorageDomainCommand.Update(call.NewOrigin(), patch)));
        return Answer.Of(Show(view));
    }

    private static async Task<Answer> ListAttached(ApiCall call)
    {
        await call.Get<Actors.DataCenter.DataCenterView>(Kinds.DataCenter, call.Id());
        var views = await call.List<StorageDomainView>(new ReadQuery(
            Kinds.StorageDomain, new Dictionary<string, string> { ["dataCenter"] = call.Id().ToString() },
            Max: call.Parameters.Max));
        return Answer.Of(Shapes.StorageDomain, [.. views.Select(ShowAttached)]);
    }

    private static async Task<StorageDomainView> ReadAttached(ApiCall call)
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
        await call.Get<Actors.DataCenter.DataCenterView>(Kinds.DataCenter, call.Id());
        var id = await Refs.Resolve(call, Kinds.StorageDomain, body)
            ?? throw FaultException.Missing("StorageDomain", "id|name", "add");
        var view = await call.Ask<StorageDomainView>(Kinds.StorageDomain, id,
            new StorageDomainCommand.Attach(call.NewOrigin(), new DataCenterId(call.Id())));
        if (view.Status == "maintenance")
            view = await call.Ask<StorageDomainView>(
                Kinds.StorageDomain, id, new StorageDomainCommand.Activate(call.NewOrigin()));
        return Answer.Created(ShowAttached(view));
    }

    private static async Task<Answer> Act(ApiCall call, Func<Origin, StorageDomainCommand> command)
    {
        await call.ReadBody(Shapes.Action);
        await ReadAttached(call);
        return await Acts.Send(call, Kinds.StorageDomain, call.Id(1), command);
    }

    private static string AbsolutePath(string path) =>
        path[0] == '/' && !path.Any(char.IsControl) && !path.Split('/').Contains("..")
            ? path.Length > 1 ? path.TrimEnd('/') : path
            : throw FaultException.Bad($"StorageDomain.storage.path is '{path}'; it must be an absolute path without '..'");

    private static Element ShowAttached(StorageDomainView view)
    {
        var attached = Show(view);
        var href = $"{Hrefs.DataCenter(view.DataCenter!.Value.Value)}/storagedomains/{view.Id}";
        attached.Href = href;
        return attached.With("data_center", Refs.To(view.DataCenter.Value))
            .WithAction("activate", $"{href}/activate")
            .WithAction("deactivate", $"{href}/deactivate");
    }

    private static Element Show(StorageDomainView view)
    {
        var config = view.Config;
        var href = Hrefs.StorageDomain(view.Id.Value);
        var storage = Shapes.HostStorage.New().With("path", config.Path).With("type", config.StorageType);
        if (config.Address.Length > 0) storage.With("address", config.Address);
        if (config.VfsType.Length > 0) storage.With("vfs_type", config.VfsType);
        var domain = Shapes.StorageDomain.New(view.Id.Value, href)
            .With("name", config.Name)
            .With("description", config.Description)
            .With("comment", config.Comment)
            .With("available", view.Available)
            .With("used", view.Used)
            .With("status", view.Status)
            .With("storage_format", "v5")
            .With("type", config.Type)
            .With("storage", storage)
            .WithLink("disks", $"{href}/disks");
        if (view.StatusDetail.Length > 0) domain.With("status_detail", view.StatusDetail);
        if (view.DataCenter is { } dataCenter) domain.With("data_centers", [Refs.To(dataCenter)]);
        return domain;
    }
}
