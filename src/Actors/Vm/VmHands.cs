using System.Collections.Immutable;
using Akka.Actor;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Vm;

/// <summary>A VM's effects are words to its cluster and its hosts.</summary>
public sealed class VmHands(VmId id, IEntities entities, IReadModel read, Whereabouts whereabouts, TimeProvider clock)
    : IHands<VmState, VmEffect>
{
    /// <summary>All hosts are heard within seconds of a start; only then is it worth a word who is missing.</summary>
    private static readonly TimeSpan SearchIsLong = TimeSpan.FromSeconds(10);

    private readonly Deletions _deletions = new(clock);
    private (VmEffect.FindHost Effect, long Since)? _put;
    private long? _sought;
    private (Guid Work, long Since) _taken;

    public void Do(VmEffect effect, Reach<VmState> reach)
    {
        var config = reach.State.Core.Running ?? reach.State.Core.Config;
        if (config is null) return;
        _deletions.Forget(reach.State.Core.Leftovers);
        switch (effect)
        {
            case VmEffect.FindHost e when IsPutOff(e):
                break;
            case VmEffect.FindHost e:
                entities.Tell(Kinds.Cluster, config.Cluster.Value, new ClusterCommand.Place(
                    id, e.AskedAt, Shape(reach.State.Core.ToRun ?? config), Excluded(reach.State, e), e.Wanted,
                    clock.GetUtcNow())
                {
                    Restart = reach.State is VmState.Placing { Cause: StartCause.HighAvailability },
                    Move = reach.State is VmState.MigrationPlacing m
                        ? new Move(m.Seat.Host, (reach.State.Core.Config ?? config).Migration, (reach.State.Core.Config ?? config).MigrationDowntimeMs)
                        : null,
                });
                break;
            case VmEffect.Launch e:
                ToHost(e.Seat.Host, new HostCommand.Launch(id, e.Seat, config) { Memory = e.Memory });
                break;
            case VmEffect.Halt e:
                ToHost(e.Seat.Host, new HostCommand.Halt(id, e.Seat, e.Mode));
                break;
            case VmEffect.SaveMemory e:
                ToHost(e.Seat.Host, new HostCommand.SaveGuest(id, e.Seat, e.Id, e.Path));
                break;
            case VmEffect.DeleteMemory e:
                _ = Delete(e.Path, config.Cluster);
                break;
            case VmEffect.Act e:
                ToHost(e.Seat.Host, new HostCommand.ActOnGuest(id, e.Seat, e.Action));
                break;
            case VmEffect.Reshape e when reach.State.Core.Reshape is { } pending:
                ToHost(e.Seat.Host, new HostCommand.ReshapeGuest(
                    id, e.Seat, pending.Number, pending.Definition, VmReshape.New(reach.State.Core.Running ?? config, pending)));
                break;
            case VmEffect.AnswerLoan e:
                entities.Tell(Kinds.Disk, e.Disk.Value, e switch
                {
                    { Why: { } why } => new DiskCommand.ReportNotLent(e.Work, why, clock.GetUtcNow()),
                    { Seat: { } seat } => new DiskCommand.ReportLent(e.Work, new GuestCopy(id, seat.Host, seat.Lease), clock.GetUtcNow()),
                    _ => new DiskCommand.ReportIdle(e.Work, clock.GetUtcNow()),
                });
                break;
            case VmEffect.AskWhetherLent e:
                entities.Tell(Kinds.Disk, e.Lent.Disk.Value, new DiskCommand.AskWhetherLent(id, e.Lent.Work));
                break;
            case VmEffect.AddLayer e when reach.State.Core.Snapshotting is { } task:
                _ = Ask(e.Disk.Disk, task.Work, new DiskCommand.AddLayer(Under(task), id, e.Snapshot, e.Disk.Path, e.Disk.Host, e.Preview), reach.Self);
                break;
            case VmEffect.DropSnapshot e when reach.State.Core.Snapshotting is { } task:
                _ = Ask(e.Disk.Disk, task.Work, new DiskCommand.DropSnapshot(Under(task), id, e.Snapshot, e.Disk.Host), reach.Self);
                break;
            case VmEffect.EndLayer e:
                _ = Ask(e.Disk, e.Work, new DiskCommand.EndLayer(id, e.Work, e.Keep, clock.GetUtcNow()), reach.Self);
                break;
            case VmEffect.EndPreview e:
                _ = Ask(e.Disk, e.Work, new DiskCommand.EndPreview(id, e.Work, e.Preview, e.Keep, clock.GetUtcNow()), reach.Self);
                break;
            case VmEffect.TakeSnapshot e when reach.State.Core.Snapshotting is { } task:
                Take(e, task, reach.Self);
                break;
            case VmEffect.Destroy e:
                ToHost(e.Host, new HostCommand.Destroy(id, e.Lease));
                break;
            case VmEffect.ExpectIncoming e:
                ToHost(e.To.Host, new HostCommand.ExpectIncoming(id, e.To, config));
                break;
            case VmEffect.MigrateOut e:
                ToHost(e.From.Host, new HostCommand.MigrateOut(id, e.From, e.To) { Terms = e.Terms });
                break;
            case VmEffect.CancelMigration e:
                ToHost(e.From.Host, new HostCommand.CancelMigration(id, e.From));
                break;
            case VmEffect.AbandonIncoming e:
                ToHost(e.To.Host, new HostCommand.AbandonIncoming(id, e.To));
                break;
            case VmEffect.Seek e:
                _ = Seek(e.Restoration, reach.Self);
                break;
            case VmEffect.AskWhetherGone e:
                ToHost(e.Seat.Host, new HostCommand.AskWhetherGone(id, e.Seat));
                break;
        }
    }

    public void Dispose()
    {
    }

    private static Origin Under(SnapshotTask task) => task.Job.Origin with { Job = new JobId(task.Work) };

    /// <summary>A guest that does not run, or has none of these disks, writes nothing that could be missed.</summary>
    private void Take(VmEffect.TakeSnapshot e, SnapshotTask task, IActorRef self)
    {
        if (e.Seat is not { } seat || e.Disks.IsEmpty)
        {
            self.Tell(new VmCommand.ReportSnapshotTaken(e.Work, true, "", clock.GetUtcNow()));
            return;
        }

        if (_taken.Work != e.Work) _taken = (e.Work, clock.GetTimestamp());
        // What nobody knows the end of is asked again at once, and then ever less often.
        if (clock.GetElapsedTime(_taken.Since) < Pause.After(task.Lost - 1, TimeSpan.FromSeconds(1))) return;
        ToHost(seat.Host, new HostCommand.RunImageJob(
            new ImageWork(e.Work, Kinds.Vm, id.Value, ImageAction.TakeSnapshot, "", "qcow2", 0, "", "")
            {
                Guest = new GuestImage(id, seat.Lease, default),
                Layers = [.. e.Disks.Select(d => new GuestLayer(d.Disk, d.Path))],
            }));
    }

    /// <summary>A disk that is no more has no images.</summary>
    private async Task Ask(DiskId disk, Guid work, DiskCommand command, IActorRef self)
    {
        try
        {
            if (await entities.Ask(Kinds.Disk, disk.Value, command, CancellationToken.None) is Reply.Refused { Fault: Fault.NotFound or Fault.Removed })
                self.Tell(new VmCommand.ReportLayer(
                    disk, work, command is DiskCommand.AddLayer ? LayerNews.Failed : LayerNews.Ended, "it is no more", clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The next tick asks again.
        }
    }

    private async Task Seek(long restoration, IActorRef self)
    {
        _sought ??= clock.GetTimestamp();
        try
        {
            var unheard = await whereabouts.Unheard(restoration);
            if (unheard.IsEmpty) self.Tell(new VmCommand.ReportNowhere(restoration, clock.GetUtcNow()));
            else if (clock.GetElapsedTime(_sought.Value) > SearchIsLong)
                self.Tell(new VmCommand.ReportUnheard(restoration, unheard, clock.GetUtcNow()));
        }
        catch (EntityUnavailableException)
        {
            // The database is away: a later tick asks again.
        }
    }

    /// <summary>What failed is tried again after 5 s, 10 s, 20 s, then every 30 s, and after ten times every 10 minutes (oVirt:
    /// every 30 s, after ten times every half hour): a guest that cannot start must not fill its journal.</summary>
    private bool IsPutOff(VmEffect.FindHost e)
    {
        if (e.Failed == 0) return false;
        if (_put is not { } put || put.Effect != e) _put = put = (e, clock.GetTimestamp());
        var pause = e.Failed > 10 ? TimeSpan.FromMinutes(10) : Pause.After(e.Failed, TimeSpan.FromSeconds(5));
        return clock.GetElapsedTime(put.Since) < pause;
    }

    /// <summary>What failed on one host is tried again, also on others.</summary>
    private async Task Delete(string path, ClusterId cluster)
    {
        if (_deletions.Next(path) is not var (work, times)) return;
        try
        {
            var hosts = await read.Sharing(default, cluster, CancellationToken.None);
            if (hosts.Count > 0)
                ToHost(hosts[times % hosts.Count], new HostCommand.RunImageJob(new ImageWork(
                    work, Kinds.Vm, id.Value, ImageAction.Delete, path, "raw", 0, "", "")));
        }
        catch (EntityUnavailableException)
        {
            // The database is away: a later tick asks again.
        }
    }

    private void ToHost(HostId host, HostCommand command) => entities.Tell(Kinds.Host, host.Value, command);

    private static VmShape Shape(VmConfig config) => new(
        config.Name, config.Memory, config.VCpus, config.Priority, config.PreferredHosts,
        config.Affinity == VmAffinity.Pinned);

    private static ImmutableArray<HostId> Excluded(VmState vm, VmEffect.FindHost e) =>
        (vm, e.NotOn) switch
        {
            (VmState.MigrationPlacing m, { } source) => m.Tried.Add(source),
            (_, { } source) => [source],
            (VmState.Placing p, _) => p.Tried,
            _ => [],
        };
}
