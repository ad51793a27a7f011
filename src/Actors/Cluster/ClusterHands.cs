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
            case ClusterEffect.LookAgain e:
                _ = Later(e.After, reach.Self);
                break;
        }
    }

    public void Dispose()
    {
        _closed.Cancel();
        _closed.Dispose();
    }

    private async Task Later(TimeSpan after, IActorRef self)
    {
        try
        {
            await Task.Delay(after, clock, _closed.Token);
            self.Tell(new ClusterCommand.ServeRestarts(clock.GetUtcNow()));
        }
        catch (OperationCanceledException)
        {
            // The actor has gone; VMs ask its successor.
        }
    }
}
