using System.Collections.Immutable;
using Akka.Actor;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Template;

/// <summary>A template waits for its disks by looking at them.</summary>
public sealed class TemplateHands(TemplateId id, IEntities entities, IReadModel read, TimeProvider clock)
    : IHands<TemplateState, TemplateEffect>
{
    public void Do(TemplateEffect effect, Reach<TemplateState> reach)
    {
        if (effect is TemplateEffect.AwaitDisk e) _ = Look(e.Disk);
        if (effect is TemplateEffect.SealDisks s && reach.State.Core.Config is { } config) _ = Seal(s, [.. config.Disks.Select(d => d.Disk)]);
        if (effect is TemplateEffect.LeaveBase l) _ = Leave(l.Base, reach.Self);
    }

    public void Dispose()
    {
    }

    private async Task Seal(TemplateEffect.SealDisks e, ImmutableArray<DiskId> disks)
    {
        try
        {
            var images = ImmutableArray.CreateBuilder<SealedImage>();
            foreach (var disk in disks)
                if (await read.View<DiskView>(Kinds.Disk, disk.Value, CancellationToken.None) is { } view)
                    images.Add(new SealedImage(view.Path, view.ImageFormat));
            if (await read.AnyUp(e.Host, CancellationToken.None) is { } host)
                entities.Tell(Kinds.Host, host.Value, new HostCommand.RunImageJob(
                    new ImageWork(e.Work, Kinds.Template, id.Value, ImageAction.Seal, "", "", 0, "", "") { Images = images.ToImmutable() }));
        }
        catch (EntityUnavailableException)
        {
            // The next tick says it again.
        }
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
