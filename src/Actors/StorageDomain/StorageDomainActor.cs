using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.StorageDomain;

/// <summary>The shell with this entity's rules in it.</summary>
public static class StorageDomainActor
{
    public static Rules<StorageDomainState, StorageDomainCommand, StorageDomainEvent, StorageDomainEffect> Rules { get; } = new(
        Kinds.StorageDomain, id => StorageDomainDecider.Initial(new StorageDomainId(id)), StorageDomainDecider.Decide, StorageDomainDecider.Evolve,
        StorageDomainDecider.Outstanding, StorageDomainStory.View, StorageDomainStory.Line, StorageDomainStory.Jobs)
    {
        Words = StorageDomainWords.All,
    };

    public static Props Props(Guid id, Func<IHands<StorageDomainState, StorageDomainEffect>> hands, ShellSettings settings) =>
        Akka.Actor.Props.Create(() => new EntityActor<StorageDomainState, StorageDomainCommand, StorageDomainEvent, StorageDomainEffect>(
            Rules, id, hands(), settings));
}
