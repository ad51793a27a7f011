using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Props = Akka.Actor.Props;
using VmEntity = Orchestrator.Actors.EntityActor<
    Orchestrator.Actors.Vm.VmState, Orchestrator.Actors.Vm.VmCommand, Orchestrator.Actors.Vm.VmEvent,
    Orchestrator.Actors.Vm.VmEffect>;
using VmRules = Orchestrator.Actors.Rules<
    Orchestrator.Actors.Vm.VmState, Orchestrator.Actors.Vm.VmCommand, Orchestrator.Actors.Vm.VmEvent,
    Orchestrator.Actors.Vm.VmEffect>;

namespace Orchestrator.Tests.Simulation.Planting;

/// <summary>VMs whose shell has other rules than those of the product.</summary>
internal static class AlteredRules
{
    public static Func<string, Guid, Props, Props> Of(Func<VmRules, VmRules> alter) => (kind, _, entity) =>
        kind == Kinds.Vm
            ? Props.Create<VmEntity>([alter(VmActor.Rules), .. entity.Arguments[1..]!])
            : entity;
}
