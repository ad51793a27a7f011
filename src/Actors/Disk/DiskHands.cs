using Akka.Actor;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Disk;

/// <summary>A disk's effects are work for hosts, and questions to the VM that has it. When the host that was chosen is not up,
/// another one does the work; what is done under a guest only the guest's own host can do.</summary>
public sealed class DiskHands(DiskId id, IEntities entities, IReadModel read, TimeProvider clock) : IHands<DiskState, DiskEffect>
{
    private readonly Deletions _deletions = new(clock);
    private readonly TransferHands _transfers = new(id, entities, read, clock);
    private (Guid Work, long Since) _put;

    public void Do(DiskEffect effect, Reach<DiskState> reach)
    {
        if (reach.State.Core.Config is not { } config) return;
        var format = reach.State.Core.ImageFormat;
        var path = reach.State.Core.Path;
        _deletions.Forget([.. reach.State.Core.Leftovers.Select(l => l.Path)]);
        ImageWork Work(Guid work, ImageAction action, string to, string source = "", string sourceFormat = "") =>
            new(work, Kinds.Disk, id.Value, action, to, format, config.ProvisionedSize, source, sourceFormat) { Preallocated = !config.Sparse };
        ImageWork Merge(Guid work, DiskMerge.Pair pair) =>
            Work(work, ImageAction.Merge, pair.Top, pair.Base.Path, pair.Base.Format) with { Above = pair.Above ?? "" };
        switch (effect, reach.State)
        {
            case (DiskEffect.MakeImage e, DiskState.Creating s):
                _ = Send(e.Host, Work(e.Work, s.Source == "" ? ImageAction.Create : ImageAction.Copy, path, s.Source, s.SourceFormat));
                break;
            case (DiskEffect.DeleteImage e, _):
                _ = Send(e.Host, Work(e.Work, ImageAction.Delete, path) with { Size = 0 });
                break;
            case (DiskEffect.CopyImage e, DiskState.Moving s):
                _ = Send(e.Host, Work(e.Work, ImageAction.Copy, s.To.Path, path, format));
                break;
            case (DiskEffect.MoveUnderGuest e, DiskState.Moving s) when IsPutOff(e.Work, s.Attempt):
                break;
            case (DiskEffect.MoveUnderGuest e, DiskState.Moving s):
                // Once the guest is to be switched, the new place is the disk's own.
                entities.Tell(Kinds.Host, e.Guest.Host.Value, new HostCommand.RunImageJob(
                    Work(e.Work, Action(e.Step), e.Step == MoveStep.Switching ? path : s.To.Path) with
                    {
                        Guest = new GuestImage(e.Guest.Vm, e.Guest.Lease, id),
                    }));
                break;
            case (DiskEffect.GrowImage e, DiskState.Growing s) when IsPutOff(e.Work, s.Lost):
                break;
            case (DiskEffect.GrowImage e, DiskState.Growing s):
                _ = Send(e.Host, Work(e.Work, ImageAction.Grow, path) with { Size = s.Size });
                break;
            case (DiskEffect.GrowUnderGuest e, DiskState.Growing s) when IsPutOff(e.Work, s.Lost):
                break;
            case (DiskEffect.GrowUnderGuest e, DiskState.Growing s):
                entities.Tell(Kinds.Host, e.Guest.Host.Value, new HostCommand.RunImageJob(
                    Work(e.Work, ImageAction.Grow, path) with { Size = s.Size, Guest = new GuestImage(e.Guest.Vm, e.Guest.Lease, id) }));
                break;
            case (DiskEffect.RewriteImage e, DiskState.Rewriting s) when IsPutOff(e.Work, s.Lost):
                break;
            case (DiskEffect.RewriteImage e, DiskState.Rewriting s):
                _ = Send(e.Host, Work(e.Work, ImageAction.Rewrite, s.Target(), path, format) with
                {
                    Format = s.Format == "raw" ? "raw" : "qcow2",
                    Preallocated = !s.Sparse,
                });
                break;
            case (DiskEffect.AwaitCopy e, _):
                _ = Look(e.Copy, reach.Self);
                break;
            case (DiskEffect.MakeLayer e, DiskState.Layering s) when IsPutOff(e.Work, s.Lost):
                break;
            case (DiskEffect.MakeLayer e, DiskState.Layering s):
                _ = Send(e.Host, Work(e.Work, ImageAction.AddLayer, s.Path, s.On.Path, s.On.Format) with { Size = s.On.Size, Preallocated = false });
                break;
            case (DiskEffect.AskLayer e, _):
                _ = Ask(e.Vm, e.Work, e.News, reach.Self);
                break;
            case (DiskEffect.TellLayer e, _):
                entities.Tell(Kinds.Vm, e.Vm.Value, new VmCommand.ReportLayer(id, e.Work, e.News, e.Why, clock.GetUtcNow()));
                break;
            case (DiskEffect.MergeImages e, DiskState.Merging s) when !IsPutOff(e.Work, s.Lost) && DiskMerge.Next(s.Core, alone: true) is { } pair:
                _ = Send(e.Host, Merge(e.Work, pair));
                break;
            case (DiskEffect.MergeUnderGuest e, DiskState.Merging s) when !IsPutOff(e.Work, s.Lost) && DiskMerge.Next(s.Core, alone: false) is { } pair:
                entities.Tell(Kinds.Host, e.Guest.Host.Value, new HostCommand.RunImageJob(
                    Merge(e.Work, pair) with { Guest = new GuestImage(e.Guest.Vm, e.Guest.Lease, id) }));
                break;
            case (DiskEffect.AskForLoan { Vm: null } e, _):
                reach.Self.Tell(new DiskCommand.ReportIdle(e.Work, clock.GetUtcNow()));
                break;
            case (DiskEffect.AskForLoan { Vm: { } vm } e, _):
                _ = Ask(vm, e.Work, reach.Self);
                break;
            case (DiskEffect.GiveBack e, _):
                entities.Tell(Kinds.Vm, e.Vm.Value, new VmCommand.ReturnDisk(e.Work, clock.GetUtcNow()));
                break;
            case (DiskEffect.PutTicket or DiskEffect.EndTicket or DiskEffect.CloseUpload, _):
                _transfers.Do(effect, reach);
                break;
            case (DiskEffect.DeleteLeftover e, _):
                _ = Delete(e.Image);
                break;
        }
    }

    public void Dispose()
    {
    }

    private static ImageAction Action(MoveStep step) => step switch
    {
        MoveStep.Mirroring => ImageAction.Mirror,
        MoveStep.Switching => ImageAction.Switch,
        _ => ImageAction.TurnBack,
    };

    /// <summary>A copy that failed is one, too.</summary>
    private async Task Look(DiskId copy, IActorRef self)
    {
        try
        {
            var view = await read.View<DiskView>(Kinds.Disk, copy.Value, CancellationToken.None);
            if (view is not { Status: "locked" })
                self.Tell(new DiskCommand.ReportCopied(copy, view is not null, clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The next tick looks again.
        }
    }

    /// <summary>A VM that is no more has no guest.</summary>
    private async Task Ask(VmId vm, Guid work, IActorRef self)
    {
        try
        {
            if (await entities.Ask(Kinds.Vm, vm.Value, new VmCommand.LendDisk(id, work, clock.GetUtcNow()), CancellationToken.None)
                is Reply.Refused { Fault: Fault.NotFound or Fault.Removed })
                self.Tell(new DiskCommand.ReportIdle(work, clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The next tick asks again.
        }
    }

    /// <summary>A VM that is no more wants no snapshot.</summary>
    private async Task Ask(VmId vm, Guid work, LayerNews news, IActorRef self)
    {
        try
        {
            if (await entities.Ask(Kinds.Vm, vm.Value, new VmCommand.ReportLayer(id, work, news, "", clock.GetUtcNow()), CancellationToken.None)
                is Reply.Refused { Fault: Fault.NotFound or Fault.Removed })
                self.Tell(new DiskCommand.EndLayer(vm, work, Keep: false, clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The next tick asks again.
        }
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

    /// <summary>A step of which nobody knows what became is said again at once, and then ever less often: while the guest's libvirt
    /// is away each time would be one more line in the journal.</summary>
    private bool IsPutOff(Guid work, int lost)
    {
        if (_put.Work != work) _put = (work, clock.GetTimestamp());
        return clock.GetElapsedTime(_put.Since) < Pause.After(lost - 1, TimeSpan.FromSeconds(1));
    }

    private async Task Delete(Leftover image)
    {
        if (_deletions.Next(image.Path) is not var (work, _)) return;
        await Send(image.Host, new ImageWork(work, Kinds.Disk, id.Value, ImageAction.Delete, image.Path, "raw", 0, "", "") { Leftover = true });
    }
}
