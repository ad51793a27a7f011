using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Disk;

/// <summary>The shell with this entity's rules in it.</summary>
public static class DiskActor
{
    public static Rules<DiskState, DiskCommand, DiskEvent, DiskEffect> Rules { get; } = new(
        Kinds.Disk, id => DiskDecider.Initial(new DiskId(id)), DiskDecider.Decide, DiskDecider.Evolve,
        DiskDecider.Outstanding, DiskStory.View, DiskStory.Line, DiskStory.Jobs)
    {
        Words = DiskWords.All,
        Rows = DiskTransfer.Rows,
    };

    public static Props Props(Guid id, Func<IHands<DiskState, DiskEffect>> hands, ShellSettings settings) =>
        Akka.Actor.Props.Create(() => new EntityActor<DiskState, DiskCommand, DiskEvent, DiskEffect>(
            Rules, id, hands(), settings));
}
