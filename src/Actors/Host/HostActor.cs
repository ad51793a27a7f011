using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Host;

/// <summary>The shell with this entity's rules in it.</summary>
public static class HostActor
{
    public static Rules<HostState, HostCommand, HostEvent, HostEffect> Rules { get; } = new(
        Kinds.Host, id => HostDecider.Initial(new HostId(id)), HostDecider.Decide, HostDecider.Evolve,
        HostDecider.Outstanding, HostStory.View, HostStory.Line, HostStory.Jobs)
    {
        Restored = static (host, number, at) => host.Core.Restoration < number && host is not HostState.Gone
            ? new HostCommand.TakeUpRestored(number, at)
            : null,
        Words = HostWords.All,
    };

    public static Props Props(Guid id, Func<IHands<HostState, HostEffect>> hands, ShellSettings settings) =>
        Akka.Actor.Props.Create(() => new EntityActor<HostState, HostCommand, HostEvent, HostEffect>(
            Rules, id, hands(), settings));
}
