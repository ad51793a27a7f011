using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Disk;

/// <summary>A disk's effects are work for a host that is up; when the chosen one is not, another does it.</summary>
public sealed class DiskHands(DiskId id, IEntities entities, IReadModel read) : IHands<DiskState, DiskEffect>
{
    public void Do(DiskEffect effect, Reach<DiskState> reach)
    {
        if (reach.State.Core.Config is not { } config) return;
        var format = config.Format == "raw" ? "raw" : "qcow2";
        switch (effect, reach.State)
        {
            case (DiskEffect.MakeImage e, DiskState.Creating s):
                _ = Send(e.Host, new ImageWork(
                    e.Work, Kinds.Disk, id.Value, s.Source == "" ? ImageAction.Create : ImageAction.Copy,
                    s.Core.Path, format, config.ProvisionedSize, s.Source, s.SourceFormat));
                break;
            case (DiskEffect.DeleteImage e, _):
                _ = Send(e.Host, new ImageWork(
                    e.Work, Kinds.Disk, id.Value, ImageAction.Delete, reach.State.Core.Path, format, 0, "", ""));
                break;
        }
    }

    public void Dispose()
    {
    }

    private async Task Send(HostId preferred, ImageWork work)
    {
        try
        {
            if (await read.AnyUp(preferred, CancellationToken.None) is { } host)
                entities.Tell(Kinds.Host, host.Value, new HostCommand.RunImageJob(work));
        }
        catch (EntityUnavailableException)
        {
            // The database is away: the next tick asks again.
        }
    }
}
