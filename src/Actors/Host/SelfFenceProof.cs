namespace Orchestrator.Actors.Host;

/// <summary>
/// When a silent host must have ended its guests. Pure; times are ms of the engine node's own clock, which only runs
/// forward. The host ends them at the first moment at which neither the engine nor the storage has renewed its lease. Of
/// the engine's renewal it is enough to know when the host was last heard. Of the storage's, no renewal can have succeeded
/// between the answer to one reading and the question of a later one that finds the same number; if a whole lease lies
/// between them, it had ended when the later one was asked.
/// </summary>
/// <param name="Seen">The newest number that was read, and when its first reading was answered.</param>
/// <param name="EndedAt">A moment at which both had ended.</param>
/// <param name="Renews">It was seen to renew since it fell silent.</param>
public sealed record SelfFenceProof(HostBond Bond, (long Number, long At)? Seen = null, long? EndedAt = null, bool Renews = false)
{
    /// <summary>Without a watchdog: for an agent that is slow to end its guests. A host that wakes later than that finds its
    /// disks locked by the copy that runs then, or keeps that copy from starting by locks of its own.</summary>
    public const long WithoutWatchdog = 45_000;

    /// <summary>From the last pet to a machine that really stands still.</summary>
    private const long ResetTakes = 1_000;

    /// <summary>How long the host has to end its guests after its lease, ms.</summary>
    public long Grace => Bond.WatchdogMs > 0 ? Slower(Bond.WatchdogMs) + ResetTakes : WithoutWatchdog;

    /// <param name="asked">When a neighbour was asked to read.</param>
    /// <param name="answered">When its answer came.</param>
    /// <param name="heard">When the host itself was last heard.</param>
    /// <param name="told">The newest number that the host itself has told: below it, what was read is somewhere else.</param>
    public SelfFenceProof Read(long asked, long answered, string bootId, long number, long heard, long told)
    {
        if (bootId != Bond.BootId || number < Math.Max(told, Bond.Number)) return this with { Seen = null, EndedAt = null };
        if (Seen is not { } seen || seen.Number != number)
            return this with { Seen = (number, answered), EndedAt = null, Renews = Renews || Seen is not null };
        return EndedAt is null && asked - seen.At >= Slower(Bond.LeaseMs) && asked >= EngineLeaseEnds(heard)
            ? this with { EndedAt = asked }
            : this;
    }

    public bool IsComplete(long now, long heard) =>
        EndedAt is { } ended && ended >= EngineLeaseEnds(heard) && now - ended >= Grace;

    private long EngineLeaseEnds(long heard) => heard + Slower(Bond.LeaseMs);

    /// <summary>The host's clock may be slower than this node's; 2 % is far more than a quartz drifts.</summary>
    private static long Slower(long ms) => ms + (ms / 50);
}
