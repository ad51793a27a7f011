using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Ledgers;

/// <summary>
/// The highest lease a host has seen for a VM. <see cref="Ended"/> is a tombstone: it never starts again.
/// <see cref="Forgotten"/>: the engine knows how it ended, only the number is kept.
/// </summary>
public sealed record LeaseRecord(Guid Vm, long Lease, bool Ended = false, bool Forgotten = false)
{
    /// <summary>The destination's lease of the last migration that was ordered; null when none was.</summary>
    public long? Move { get; init; }

    /// <summary>That migration has failed: an order that comes late, or twice, does not begin it again.</summary>
    public bool MoveFailed { get; init; }

    /// <summary>The number of the last change of its machine that was ordered; null when none was.</summary>
    public long? Reshape { get; init; }

    /// <summary>It was not done, or not all of it.</summary>
    public bool ReshapeFailed { get; init; }

    /// <summary>It was done.</summary>
    public bool Reshaped { get; init; }

    /// <summary>Where its memory is being written, or was; null when that was not ordered, or has failed.</summary>
    public SavedMemoryPlace? Saved { get; init; }

    public GuestExit Exit { get; init; }
    public string? ExitMessage { get; init; }
}

/// <param name="Boot">Which life of the machine it was ordered in.</param>
public sealed record SavedMemoryPlace(string Boot, string Path);
