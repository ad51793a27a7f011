using System.Reflection;
using Orchestrator.Actors;
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
    private static readonly FieldInfo _rules =
        typeof(VmEntity).GetField("_rules", BindingFlags.NonPublic | BindingFlags.Instance)
        ?? throw new MissingFieldException(nameof(VmEntity), "_rules");

    public static Func<string, Guid, Props, Props> Of(Func<VmRules, VmRules> alter) => (kind, _, entity) =>
        kind == Kinds.Vm ? Props.Create(() => Make(entity, alter(VmActor.Rules))) : entity;

    private static VmEntity Make(Props entity, VmRules rules)
    {
        var actor = (VmEntity)entity.NewActor();
        _rules.SetValue(actor, rules);
        return actor;
    }
}
