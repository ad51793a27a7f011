using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;

namespace Orchestrator.Tests.Scenarios;

/// <summary>A storage domain beside the one that there is, which hosts mount themselves.</summary>
public sealed class Archive(Stage stage)
{
    private static readonly Guid _id = new("a5c0d000-0000-4000-8000-000000000001");

    public Task Do(string step, string words)
    {
        var host = new HostId(stage.Cast.HostId("host-1"));
        return stage.Ask(Kinds.StorageDomain, _id, words, o => step switch
        {
            "add" => new StorageDomainCommand.Create(o, Config(), host),
            "import" => new StorageDomainCommand.Create(o, Config(), host) { Opening = Opening.Import },
            "attach" => new StorageDomainCommand.Attach(o, Center()) { Host = host },
            "activate" => new StorageDomainCommand.Activate(o) { Host = host },
            "detach" => new StorageDomainCommand.Detach(o, Center()) { Host = host },
            "wipe" => new StorageDomainCommand.Remove(o) { Removal = Removal.Wipe, Host = host },
            "remove" => new StorageDomainCommand.Remove(o),
            "destroy" => new StorageDomainCommand.Remove(o) { Removal = Removal.Destroy },
            _ => new StorageDomainCommand.Deactivate(o),
        });
    }

    public void Look()
    {
        var hosts = stage.Simulation.World.Hosts.Where(h => h.HasMounted(Config().Folder));
        var names = string.Join(", ", hosts.Select(h => h.Name));
        stage.Say(names.Length > 0 ? $"the archive is mounted on {names}" : "the archive is mounted nowhere");
    }

    private static StorageDomainConfig Config() => new()
    {
        Name = "archive",
        StorageType = "nfs",
        Address = "nas",
        Path = "/export",
        Folder = $"/var/lib/orchestrator/storage/{_id}",
        Installation = "simulated",
    };

    private DataCenterId Center() => new(stage.Simulation.Database.Read.Of(Kinds.DataCenter).Single().Document.Id);
}
