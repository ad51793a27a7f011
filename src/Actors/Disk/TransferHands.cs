using Akka.Actor;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Disk;

/// <summary>What a transfer asks of its host; of no other one.</summary>
internal sealed class TransferHands(DiskId id, IEntities entities, IReadModel read, TimeProvider clock)
{
    /// <summary>How long a host may be away from a transfer whose client may do nothing for ever.</summary>
    private const int Patience = 60;

    private (Guid Transfer, int Session, long Since)? _away;

    public void Do(DiskEffect effect, Reach<DiskState> reach)
    {
        switch (effect, reach.State)
        {
            case (DiskEffect.PutTicket e, DiskState.Transferring s):
                ToHost(e.Host, new HostCommand.PutTicket(Ticket(s)));
                _ = Look(s.Transfer, reach.Self);
                break;
            case (DiskEffect.EndTicket e, _):
                ToHost(e.Host, new HostCommand.EndTicket(id, e.Transfer, e.Session));
                break;
            case (DiskEffect.CloseUpload e, DiskState.Transferring s):
                ToHost(e.Host, new HostCommand.RunImageJob(new ImageWork(
                    e.Work, Kinds.Disk, id.Value, ImageAction.CloseUpload, s.Core.Path, Format(s), s.Config.ProvisionedSize, "", "")
                {
                    Transfer = e.Transfer,
                }));
                break;
        }
    }

    private TransferTicket Ticket(DiskState.Transferring s) => new(
        id, s.Transfer.Id, s.Transfer.Session, s.Core.Path, Format(s), s.Config.ProvisionedSize,
        s.Transfer.Direction == TransferDirection.Upload, s.Transfer.Format == "raw", s.Config.Sparse, s.Transfer.Transferred);

    private async Task Look(ImageTransfer transfer, IActorRef self)
    {
        try
        {
            if (await read.View<HostView>(Kinds.Host, transfer.Host.Value, CancellationToken.None) is { Status: "up" })
            {
                _away = null;
                return;
            }

            if (_away is not { } away || away.Transfer != transfer.Id || away.Session != transfer.Session)
                _away = away = (transfer.Id, transfer.Session, clock.GetTimestamp());
            var patience = TimeSpan.FromSeconds(transfer.InactivitySeconds > 0 ? transfer.InactivitySeconds : Patience);
            if (clock.GetElapsedTime(away.Since) >= patience)
                self.Tell(new DiskCommand.ReportTransferHostAway(transfer.Id, transfer.Session, clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The database is away: a later tick looks again.
        }
    }

    private void ToHost(HostId host, HostCommand command) => entities.Tell(Kinds.Host, host.Value, command);

    private static string Format(DiskState.Transferring s) => s.Core.ImageFormat;
}
