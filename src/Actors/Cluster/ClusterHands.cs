using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Cluster;

/// <summary>A cluster's effects are answers to VMs.</summary>
public sealed class ClusterHands(IEntities entities, TimeProvider clock) : IHands<ClusterState, ClusterEffect>
{
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
        }
    }

    public void Dispose()
    {
    }
}
