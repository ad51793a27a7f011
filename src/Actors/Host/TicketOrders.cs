using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Tickets of image transfers on their way to the agent, and what its answers mean to their disks.</summary>
internal static class TicketOrders
{
    /// <summary>A ticket outlives an engine that is away for so long; each renewal counts anew.</summary>
    private const int ValidSeconds = 300;

    public static Task Give(HostEffect effect, HostId host, HostWorld world, HostLink link, CancellationToken closed) => effect switch
    {
        HostEffect.SendTicket e => Put(e.Ticket, host, world, link, closed),
        HostEffect.SendTicketEnd e => link.Client.EndTicket(e.Transfer, new EndTicketOrder(link.Stamp, e.Session), closed),
        _ => Task.CompletedTask,
    };

    private static async Task Put(TransferTicket ticket, HostId host, HostWorld world, HostLink link, CancellationToken closed)
    {
        DiskCommand report;
        try
        {
            var told = await link.Client.PutTicket(
                ticket.Transfer,
                new TicketOrder(
                    link.Stamp, world.Tickets.Of(ticket.Transfer, ticket.Session), ticket.Session, ticket.Path,
                    ticket.Format == "raw" ? DiskFormat.Raw : DiskFormat.Qcow2, ticket.Size)
                {
                    Write = ticket.Write,
                    Raw = ticket.Raw,
                    Sparse = ticket.Sparse,
                    Transferred = ticket.Transferred,
                    ValidSeconds = ValidSeconds,
                },
                closed);
            ActorMeters.Ordered("ticket", "accepted");
            report = new DiskCommand.ReportTicket(
                host, ticket.Transfer, ticket.Session, told.Transferred, told.IdleMs, world.Clock.GetUtcNow());
        }
        catch (AgentRefusedException e) when (e.Refusal.Code is RefusalCode.Malformed or RefusalCode.UnknownOrder
            or RefusalCode.Failed or RefusalCode.StaleOrder)
        {
            ActorMeters.Ordered("ticket", e.Refusal.Code);
            report = new DiskCommand.ReportNoTicket(ticket.Transfer, ticket.Session, e.Refusal.Message, world.Clock.GetUtcNow());
        }

        world.Entities.Tell(Kinds.Disk, ticket.Disk.Value, report);
    }
}
