using Akka.Actor;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Cluster;

/// <summary>A cluster's effects are answers to VMs, and words to itself.</summary>
public sealed class ClusterHands(ClusterId id, IEntities entities, IReadModel read, TimeProvider clock)
    : IHands<ClusterState, ClusterEffect>
{
    /// <summary>oVirt looks every 5 minutes; a look costs one query.</summary>
    private static readonly TimeSpan ReserveLookedAtEvery = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _closed = new();
    private long? _reserveLookedAt;

    public void Do(ClusterEffect effect, Reach<ClusterState> reach)
    {
        switch (effect)
        {
            case ClusterEffect.Offer e:
                entities.Tell(Kinds.Vm, e.Vm.Value, new VmCommand.OfferHost(
                    e.Host, e.HostName, e.Incarnation, e.AskedAt, clock.GetUtcNow())
                {
                    Terms = e.Terms,
                });
                break;
            case ClusterEffect.Refuse e:
                entities.Tell(Kinds.Vm, e.Vm.Value, new VmCommand.RefusePlacement(
                    e.AskedAt, e.Reasons, clock.GetUtcNow()));
                break;
            case ClusterEffect.GiveFenceTurn e:
                entities.Tell(Kinds.Host, e.Host.Value, new HostCommand.TakeFenceTurn(e.Attempt, clock.GetUtcNow()));
                break;
            case ClusterEffect.DeferFence e:
                entities.Tell(Kinds.Host, e.Host.Value, new HostCommand.ReportFenceSkipped(
                    e.Attempt, FenceSkip.Turn, e.Words, clock.GetUtcNow()));
                break;
            case ClusterEffect.NoteFenceOver e:
                reach.Self.Tell(new ClusterCommand.EndFence(e.Host, e.Attempt, clock.GetUtcNow()));
                break;
            case ClusterEffect.WatchReserve when reach.State is ClusterState.Active { Room.Heard: true }:
                _ = WatchReserve(reach.Self);
                break;
            case ClusterEffect.AwaitBeat:
                _ = Beat(reach.Self);
                break;
        }
    }

    public void Dispose()
    {
        _closed.Cancel();
        _closed.Dispose();
    }

    private async Task WatchReserve(IActorRef self)
    {
        if (_reserveLookedAt is { } last && clock.GetElapsedTime(last) < ReserveLookedAtEvery) return;
        _reserveLookedAt = clock.GetTimestamp();
        try
        {
            var vms = await read.HighlyAvailableIn(id, _closed.Token);
            self.Tell(new ClusterCommand.ReportHighlyAvailable([.. vms], clock.GetUtcNow()));
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Looked at again in half a minute.
        }
    }

    private async Task Beat(IActorRef self)
    {
        try
        {
            await Task.Delay(Room.Beat, clock, _closed.Token);
            self.Tell(new ClusterCommand.Beat());
        }
        catch (OperationCanceledException)
        {
            // The actor has gone; VMs ask its successor.
        }
    }
}
