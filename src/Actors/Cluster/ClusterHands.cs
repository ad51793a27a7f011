using Akka.Actor;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Cluster;

/// <summary>A cluster's effects are answers to VMs, and one word to itself.</summary>
public sealed class ClusterHands(IEntities entities, TimeProvider clock) : IHands<ClusterState, ClusterEffect>
{
    private readonly CancellationTokenSource _closed = new();

    public void Do(ClusterEffect effect, Reach<ClusterState> reach)
    {
        switch (effect)
        {
            case ClusterEffect.Offer e:
                entities.Tell(Kinds.Vm, e.Vm.Value, new VmCommand.OfferHost(
                    e.Host, e.HostName, e.Incarnation, e.AskedAt, clock.GetUtcNow()));
                break;
            case ClusterEffect.Refuse e:
                entities.Tell(Kinds.Vm, e.Vm.Value, new VmCommand.RefusePlacement(
                    e.AskedAt, e.Reasons, clock.GetUtcNow()));
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
