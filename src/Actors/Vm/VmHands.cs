using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Vm;

/// <summary>A VM's effects are words to its cluster and its hosts.</summary>
public sealed class VmHands(VmId id, IEntities entities, TimeProvider clock) : IHands<VmState, VmEffect>
{
    private (VmEffect.FindHost Effect, long Since)? _put;

    public void Do(VmEffect effect, Reach<VmState> reach)
    {
        var config = reach.State.Core.Running ?? reach.State.Core.Config;
        if (config is null) return;
        switch (effect)
        {
            case VmEffect.FindHost e when IsPutOff(e):
                break;
            case VmEffect.FindHost e:
                entities.Tell(Kinds.Cluster, config.Cluster.Value, new ClusterCommand.Place(
                    id, e.AskedAt, Shape(reach.State.Core.Config ?? config), Excluded(reach.State, e), e.Wanted,
                    clock.GetUtcNow())
                {
                    Restart = reach.State is VmState.Placing { Cause: StartCause.HighAvailability },
                });
                break;
            case VmEffect.Launch e:
                ToHost(e.Seat.Host, new HostCommand.Launch(id, e.Seat, config));
                break;
            case VmEffect.Halt e:
                ToHost(e.Seat.Host, new HostCommand.Halt(id, e.Seat, e.Mode));
                break;
            case VmEffect.Act e:
                ToHost(e.Seat.Host, new HostCommand.ActOnGuest(id, e.Seat, e.Action));
                break;
            case VmEffect.Destroy e:
                ToHost(e.Host, new HostCommand.Destroy(id, e.Lease));
                break;
            case VmEffect.ExpectIncoming e:
                ToHost(e.To.Host, new HostCommand.ExpectIncoming(id, e.To, config));
                break;
            case VmEffect.MigrateOut e:
                ToHost(e.From.Host, new HostCommand.MigrateOut(id, e.From, e.To));
                break;
            case VmEffect.CancelMigration e:
                ToHost(e.From.Host, new HostCommand.CancelMigration(id, e.From));
                break;
            case VmEffect.AbandonIncoming e:
                ToHost(e.To.Host, new HostCommand.AbandonIncoming(id, e.To));
                break;
            case VmEffect.AskWhetherGone e:
                ToHost(e.Seat.Host, new HostCommand.AskWhetherGone(id, e.Seat));
                break;
        }
    }

    public void Dispose()
    {
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

    private void ToHost(HostId host, HostCommand command) => entities.Tell(Kinds.Host, host.Value, command);

    private static VmShape Shape(VmConfig config) => new(
        config.Name, config.Memory, config.VCpus, config.Priority, config.PreferredHosts,
        config.Affinity == VmAffinity.Pinned);

    private static System.Collections.Immutable.ImmutableArray<HostId> Excluded(VmState vm, VmEffect.FindHost e) =>
        (vm, e.NotOn) switch
        {
            (_, { } source) => [source],
            (VmState.Placing p, _) => p.Tried,
            _ => [],
        };
}
