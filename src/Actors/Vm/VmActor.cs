using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Vm;

/// <summary>The shell with this entity's rules in it.</summary>
public static class VmActor
{
    public static Rules<VmState, VmCommand, VmEvent, VmEffect> Rules { get; } = new(
        Kinds.Vm, id => VmDecider.Initial(new VmId(id)), VmDecider.Decide, VmDecider.Evolve,
        VmDecider.Outstanding, VmStory.View, VmStory.Line, VmStory.Jobs)
    {
        Words = VmWords.All,
        Restored = static (vm, number, at) => vm.Core.Restoration < number && vm is not VmState.Gone
            ? new VmCommand.TakeUpRestored(number, at)
            : null,
        Runs = vm => vm.Core.Running is not null,
    };

    public static Props Props(Guid id, Func<IHands<VmState, VmEffect>> hands, ShellSettings settings) =>
        Akka.Actor.Props.Create(() => new EntityActor<VmState, VmCommand, VmEvent, VmEffect>(
            Rules, id, hands(), settings));
}
