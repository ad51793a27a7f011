using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.DataCenter;

/// <summary>The shell with this entity's rules in it.</summary>
public static class DataCenterActor
{
    public static Rules<DataCenterState, DataCenterCommand, DataCenterEvent, DataCenterEffect> Rules { get; } = new(
        Kinds.DataCenter, id => DataCenterDecider.Initial(new DataCenterId(id)), DataCenterDecider.Decide, DataCenterDecider.Evolve,
        DataCenterDecider.Outstanding, DataCenterStory.View, DataCenterStory.Line, DataCenterStory.Jobs);

    public static Props Props(Guid id, Func<IHands<DataCenterState, DataCenterEffect>> hands, ShellSettings settings) =>
        Akka.Actor.Props.Create(() => new EntityActor<DataCenterState, DataCenterCommand, DataCenterEvent, DataCenterEffect>(
            Rules, id, hands(), settings));
}
