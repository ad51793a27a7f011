using System.Globalization;
using Akka.Actor;
using Akka.Persistence;
using Orchestrator.Actors;
using Orchestrator.Actors.DataCenter;

namespace Orchestrator.Bench.Engine;

/// <summary>The smallest entity: answers a look at once, and a command when the journal holds its event. It speaks in
/// words of the product, so that serializer, names and sizes are those of production.</summary>
internal sealed class Meter : UntypedPersistentActor
{
    public const string Kind = "meter";
    private long _events;

    public override string PersistenceId { get; } = $"{Kind}-{Context.Self.Path.Name}";

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case Look:
                Sender.Tell(new Reply.AlreadyDone("{}", _events));
                break;
            case DataCenterCommand.Remove remove:
                Persist(new DataCenterEvent.Removed(remove.Origin), _ =>
                {
                    _events++;
                    Sender.Tell(new Reply.Accepted("{}", LastSequenceNr));
                });
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    protected override void OnRecover(object message)
    {
        if (message is DataCenterEvent.Removed) _events++;
    }

    public static string Name(int number) => number.ToString("d6", CultureInfo.InvariantCulture);

    public static DataCenterCommand.Remove Command() => new(
        new Origin(new JobId(Guid.NewGuid()), "bench", "admin@internal", DateTimeOffset.UtcNow));
}
