using Akka.Actor;

namespace Akka.Persistence;

public sealed record SnapshotMetadata(string PersistenceId, long SequenceNr, DateTime Timestamp)
{
    public SnapshotMetadata(string persistenceId, long sequenceNr) : this(persistenceId, sequenceNr, DateTime.MinValue) { }
}

/// <summary>The snapshot that a recovery begins with.</summary>
public sealed record SnapshotOffer(SnapshotMetadata Metadata, object Snapshot);

public sealed record SaveSnapshotSuccess(SnapshotMetadata Metadata);

public sealed record SaveSnapshotFailure(SnapshotMetadata Metadata, Exception Cause);

public sealed record DeleteSnapshotsSuccess(SnapshotSelectionCriteria Criteria);

public sealed record DeleteSnapshotsFailure(SnapshotSelectionCriteria Criteria, Exception Cause);

public sealed record DeleteMessagesSuccess(long ToSequenceNr);

public sealed record DeleteMessagesFailure(Exception Cause, long ToSequenceNr);

/// <summary>Which snapshots are meant: those up to a sequence number.</summary>
public sealed record SnapshotSelectionCriteria(long MaxSequenceNr)
{
    public static SnapshotSelectionCriteria Latest { get; } = new(long.MaxValue);

    public static SnapshotSelectionCriteria None { get; } = new(0);
}

/// <summary>How far a persistent actor recovers.</summary>
public sealed class Recovery(
    SnapshotSelectionCriteria fromSnapshot, long toSequenceNr = long.MaxValue, long replayMax = long.MaxValue)
{
    public Recovery() : this(SnapshotSelectionCriteria.Latest) { }

    public static Recovery Default { get; } = new();

    /// <summary>No snapshot and no events: the actor starts at once, and must not persist over what it has not read.</summary>
    public static Recovery None { get; } = new(SnapshotSelectionCriteria.None, 0);

    public SnapshotSelectionCriteria FromSnapshot { get; } = fromSnapshot;

    public long ToSequenceNr { get; } = toSequenceNr;

    public long ReplayMax { get; } = replayMax;
}

/// <summary>Handed to OnRecover after the last event: from here on commands are handled.</summary>
public sealed class RecoveryCompleted
{
    private RecoveryCompleted() { }

    public static RecoveryCompleted Instance { get; } = new();
}
