using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>storageconnections: where storage domains are, each under an id of its own. One comes and goes with its domain, and
/// changes while that is in maintenance.</summary>
internal static class StorageConnections
{
    public static void Map(Router router) => router
        .Get("storageconnections", async call => Answer.Of(Shapes.StorageConnection, [.. (await All(call)).Select(Show)]))
        .Get("storageconnections/{id}", async call => Answer.Of(Show(await Find(call, call.Id()))))
        .Put("storageconnections/{id}", Update)
        .Get("storagedomains/{id}/storageconnections", async call =>
            Answer.Of(Shapes.StorageConnection, [Show(await call.Get<StorageDomainView>(Kinds.StorageDomain, call.Id()))]))
        .Get("storagedomains/{id}/storageconnections/{id}", async call =>
        {
            var domain = await call.Get<StorageDomainView>(Kinds.StorageDomain, call.Id());
            return Id(domain) == call.Id(1) ? Answer.Of(Show(domain)) : throw FaultException.Unknown("storage connection", call.Ids[1]);
        });

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.StorageConnection);
        var present = await Find(call, call.Id());
        if (await StorageDomains.Moved(call, present, body) is not { } location) return Answer.Of(Show(present));
        var view = await call.Ask<StorageDomainView>(Kinds.StorageDomain, present.Id.Value,
            new StorageDomainCommand.Update(call.NewOrigin(), new StorageDomainPatch { Location = location }));
        return Answer.Of(Show(view));
    }

    private static async Task<StorageDomainView> Find(ApiCall call, Guid id) =>
        (await call.List<StorageDomainView>(new ReadQuery(Kinds.StorageDomain))).FirstOrDefault(domain => Id(domain) == id)
        ?? throw FaultException.Unknown("storage connection", id.ToString());

    private static async Task<IEnumerable<StorageDomainView>> All(ApiCall call) =>
        (await call.List<StorageDomainView>(new ReadQuery(Kinds.StorageDomain))).Take(call.Parameters.Max ?? int.MaxValue);

    private static Guid Id(StorageDomainView domain) => NamedIds.Of($"connection of {domain.Id}");

    private static Element Show(StorageDomainView domain)
    {
        var id = Id(domain);
        var connection = Shapes.StorageConnection.New(id, $"{Hrefs.Base}/storageconnections/{id}");
        StorageBodies.Put(connection, domain.Config);
        return connection;
    }
}
