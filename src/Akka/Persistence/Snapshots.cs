namespace Akka.Persistence;

/// <summary>Whose snapshot it is, after which event it was taken, and when (UTC).</summary>
public sealed class SnapshotMetadata(string persistenceId, long sequenceNr, DateTime timestamp) : IEquatable<SnapshotMetadata>
{
    public string PersistenceId { get; } = persistenceId;

    public long SequenceNr { get; } = sequenceNr;

    public DateTime Timestamp { get; } = timestamp;

    public bool Equals(SnapshotMetadata? other) => other is not null && Equals(PersistenceId, other.PersistenceId) && Equals(SequenceNr, other.SequenceNr) && Equals(Timestamp, other.Timestamp);

    public override bool Equals(object? obj) => Equals(obj as SnapshotMetadata);

    public override int GetHashCode() => HashCode.Combine(PersistenceId, SequenceNr, Timestamp);

    public override string ToString() => $"SnapshotMetadata<{PersistenceId}, {SequenceNr}, {Timestamp}>";
}

/// <summary>The snapshot that a recovery begins with.</summary>
public sealed class SnapshotOffer(SnapshotMetadata metadata, object snapshot) : IEquatable<SnapshotOffer>
{
    public SnapshotMetadata Metadata { get; } = metadata;

    public object Snapshot { get; } = snapshot;

    public bool Equals(SnapshotOffer? other) => other is not null && Equals(Metadata, other.Metadata) && Equals(Snapshot, other.Snapshot);

    public override bool Equals(object? obj) => Equals(obj as SnapshotOffer);

    public override int GetHashCode() => HashCode.Combine(Metadata, Snapshot);

    public override string ToString() => $"SnapshotOffer<{Metadata}, {Snapshot}>";
}

/// <summary>Which snapshots are meant: those within bounds of sequence number and time (UTC), both inclusive.</summary>
public sealed class SnapshotSelectionCriteria(
    long maxSequenceNr, DateTime maxTimeStamp, long minSequenceNr = 0, DateTime? minTimestamp = null)
    : IEquatable<SnapshotSelectionCriteria>
{
    public SnapshotSelectionCriteria(long maxSequenceNr) : this(maxSequenceNr, DateTime.MaxValue) { }

    public static SnapshotSelectionCriteria Latest { get; } = new(long.MaxValue, DateTime.MaxValue);

    public static SnapshotSelectionCriteria None { get; } = new(0, DateTime.MinValue);

    public long MaxSequenceNr { get; } = maxSequenceNr;

    public DateTime MaxTimeStamp { get; } = maxTimeStamp;

    public long MinSequenceNr { get; } = minSequenceNr;

    public DateTime? MinTimestamp { get; } = minTimestamp ?? DateTime.MinValue;

    /// <summary>Whether more than a highest sequence number is asked for.</summary>
    internal bool IsNarrow =>
        MaxTimeStamp != DateTime.MaxValue || MinSequenceNr > 0 || MinTimestamp > DateTime.MinValue;

    public bool Equals(SnapshotSelectionCriteria? other) =>
        other is not null && MaxSequenceNr == other.MaxSequenceNr && MaxTimeStamp == other.MaxTimeStamp
        && MinSequenceNr == other.MinSequenceNr && MinTimestamp == other.MinTimestamp;

    public override bool Equals(object? obj) => Equals(obj as SnapshotSelectionCriteria);

    public override int GetHashCode() => HashCode.Combine(MaxSequenceNr, MaxTimeStamp, MinSequenceNr, MinTimestamp);

    public override string ToString() => $"SnapshotSelectionCriteria<{MinSequenceNr}..{MaxSequenceNr}, {MinTimestamp:O}..{MaxTimeStamp:O}>";

    internal bool Matches(SnapshotMetadata metadata) =>
        metadata.SequenceNr <= MaxSequenceNr && metadata.SequenceNr >= MinSequenceNr
        && metadata.Timestamp <= MaxTimeStamp && metadata.Timestamp >= MinTimestamp;
}

/// <summary>How far a persistent actor recovers.</summary>
public sealed class Recovery
{
    public Recovery() : this(null, long.MaxValue, long.MaxValue) { }

    public Recovery(SnapshotSelectionCriteria fromSnapshot) : this(fromSnapshot, long.MaxValue, long.MaxValue) { }

    public Recovery(SnapshotSelectionCriteria fromSnapshot, long toSequenceNr)
        : this(fromSnapshot, toSequenceNr, long.MaxValue) { }

    public Recovery(
        SnapshotSelectionCriteria? fromSnapshot = null, long toSequenceNr = long.MaxValue,
        long replayMax = long.MaxValue)
    {
        FromSnapshot = fromSnapshot ?? SnapshotSelectionCriteria.Latest;
        ToSequenceNr = toSequenceNr;
        ReplayMax = replayMax;
    }

    public static Recovery Default { get; } = new(SnapshotSelectionCriteria.Latest);

    /// <summary>No snapshot and no events: the actor starts at once, and goes on after the last number in the
    /// journal.</summary>
    public static Recovery None { get; } = new(SnapshotSelectionCriteria.None, 0);

    public SnapshotSelectionCriteria FromSnapshot { get; }

    public long ToSequenceNr { get; }

    public long ReplayMax { get; }
}

/// <summary>Handed to OnRecover after the last event: from here on commands are handled.</summary>
public sealed class RecoveryCompleted
{
    public static readonly RecoveryCompleted Instance = new();

    private RecoveryCompleted() { }
}
