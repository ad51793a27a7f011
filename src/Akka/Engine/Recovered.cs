using Akka.Actor;
using Akka.Persistence;

namespace Orchestrator.Engine;

/// <summary>What a recovery knows beyond the events themselves.</summary>
public static class Recovered
{
    /// <summary>When the event or snapshot that this actor replayed last was written, on the store's clock; null while
    /// nothing was replayed.</summary>
    public static DateTimeOffset? LastAt(IActorContext context) =>
        (((ActorCell)context).Life.Actor as Eventsourced)?.LastRecordedAt;
}
