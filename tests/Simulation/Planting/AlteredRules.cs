using Orchestrator.Actors;
using Props = Akka.Actor.Props;

namespace Orchestrator.Tests.Simulation.Planting;

/// <summary>Entities of one kind whose shell has other rules than those of the product.</summary>
internal static class AlteredRules
{
    public static Func<string, Guid, Props, Props> Of<TState, TCommand, TEvent, TEffect>(
        Rules<TState, TCommand, TEvent, TEffect> rules,
        Func<Rules<TState, TCommand, TEvent, TEffect>, Rules<TState, TCommand, TEvent, TEffect>> alter)
        where TState : class
        where TCommand : class
        where TEvent : class
        where TEffect : class => (kind, _, entity) =>
        kind == rules.Kind
            ? Props.Create<EntityActor<TState, TCommand, TEvent, TEffect>>([alter(rules), .. entity.Arguments[1..]!])
            : entity;
}
