using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Template;

/// <summary>The shell with this entity's rules in it.</summary>
public static class TemplateActor
{
    public static Rules<TemplateState, TemplateCommand, TemplateEvent, TemplateEffect> Rules { get; } = new(
        Kinds.Template, id => TemplateDecider.Initial(new TemplateId(id)), TemplateDecider.Decide, TemplateDecider.Evolve,
        TemplateDecider.Outstanding, TemplateStory.View, TemplateStory.Line, TemplateStory.Jobs)
    {
        Words = TemplateWords.All,
    };

    public static Props Props(Guid id, Func<IHands<TemplateState, TemplateEffect>> hands, ShellSettings settings) =>
        Akka.Actor.Props.Create(() => new EntityActor<TemplateState, TemplateCommand, TemplateEvent, TemplateEffect>(
            Rules, id, hands(), settings));
}
