using Akka.Actor;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Template;

/// <summary>A template waits for its disks by looking at them.</summary>
public sealed class TemplateHands(TemplateId id, IEntities entities, IReadModel read, TimeProvider clock)
    : IHands<TemplateState, TemplateEffect>
{
    public void Do(TemplateEffect effect, Reach<TemplateState> reach)
    {
        if (effect is TemplateEffect.AwaitDisk e) _ = Look(e.Disk);
        if (effect is TemplateEffect.LeaveBase l) _ = Leave(l.Base, reach.Self);
    }

    public void Dispose()
    {
    }

    /// <summary>A base template that is no more need not know.</summary>
    private async Task Leave(TemplateId from, IActorRef self)
    {
        try
        {
            var reply = await entities.Ask(
                Kinds.Template, from.Value, new TemplateCommand.DropVersion(id, IsGone: true, clock.GetUtcNow()), CancellationToken.None);
            if (reply is Reply.Accepted or Reply.AlreadyDone or Reply.Refused { Fault: Fault.NotFound or Fault.Removed })
                self.Tell(new TemplateCommand.ReportBaseLeft(clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The next tick tells it again.
        }
    }

    private async Task Look(DiskId disk)
    {
        try
        {
            var view = await read.View<DiskView>(Kinds.Disk, disk.Value, CancellationToken.None);
            if (view is { Status: "ok" or "illegal" })
                entities.Tell(Kinds.Template, id.Value, new TemplateCommand.ReportDisk(
                    disk, view.Status == "ok", view.StatusDetail, clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The database is away: the next tick looks again.
        }
    }
}
