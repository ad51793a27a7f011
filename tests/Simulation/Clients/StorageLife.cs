using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Tests.Simulation.Installation;

namespace Orchestrator.Tests.Simulation.Clients;

/// <summary>A storage domain that hosts mount themselves goes through its life, beside all else: one step after the other, by
/// chance among what makes sense for what it is.</summary>
internal sealed class StorageLife(Simulation simulation, ApiClients clients, Random chance, DataCenterId center, Func<HostId> host)
{
    private Guid _id = clients.NewId();

    public async Task Step()
    {
        var status = simulation.Database.Read.Find(Kinds.StorageDomain, _id) is { } row ? ReadTables.Text(row, "status") : null;
        var (dice, at) = (chance.NextDouble(), host());
        switch (status)
        {
            case null:
                var opening = dice < 0.5 ? Opening.Format : Opening.Import;
                if (await Ask($"{opening} the archive", o => new StorageDomainCommand.Create(o, Config(), at) { Opening = opening })
                    is Reply.Refused { Fault: Fault.AlreadyExists } && dice < 0.3) _id = clients.NewId();
                break;
            case "unknown":
                await Ask("forget the archive", o => new StorageDomainCommand.Remove(o));
                break;
            case "unattached" when dice < 0.6:
                await Ask("attach the archive", o => new StorageDomainCommand.Attach(o, center) { Host = at });
                break;
            case "unattached":
                await Ask("remove the archive", o => new StorageDomainCommand.Remove(o) { Removal = dice < 0.8 ? Removal.Wipe : Removal.Forget, Host = at });
                break;
            case "active":
                await Ask("maintenance of the archive", o => new StorageDomainCommand.Deactivate(o));
                break;
            case "maintenance" when dice < 0.4:
                await Ask("detach the archive", o => new StorageDomainCommand.Detach(o, center) { Host = at });
                break;
            default:
                await Ask("activate the archive", o => new StorageDomainCommand.Activate(o) { Host = at });
                break;
        }
    }

    private StorageDomainConfig Config() => new()
    {
        Name = "archive",
        StorageType = "nfs",
        Address = "nas",
        Path = "/export",
        Folder = $"/var/lib/orchestrator/storage/{_id}",
        Installation = "simulated",
    };

    private Task<Reply?> Ask(string what, Func<Origin, StorageDomainCommand> command) => clients.Ask(Kinds.StorageDomain, _id, what, command);
}
