namespace Orchestrator.Tests.Cluster.Checkers;

/// <summary>A row of the journal.</summary>
/// <param name="Ordering">The table's identity: order of insertion.</param>
/// <param name="Payload">The event's JSON.</param>
/// <param name="Node">The node whose connection inserted it, or empty when that is not known.</param>
/// <param name="At">When the database inserted it, on the database's clock.</param>
public sealed record JournalFact(
    long Ordering, string PersistenceId, long SequenceNr, string Writer, string Manifest, string Payload,
    string Node, DateTimeOffset At);

/// <summary>A shard's epoch as the database recorded it when it changed.</summary>
public sealed record EpochFact(string Shard, long Epoch, string Owner, DateTimeOffset At);
