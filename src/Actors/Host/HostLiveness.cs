namespace Orchestrator.Actors.Host;

/// <summary>
/// Says when a host is silent. Pure: time comes as an argument, from a clock that only runs forward.
/// A pause of the observer is not the host's silence: time in which we did not listen does not count.
/// </summary>
/// <param name="LastHeard">When anything came from the agent, in ms of the observer's monotonic clock.</param>
/// <param name="LastLooked">When the observer last asked this question.</param>
/// <param name="Silence">How long we have listened in vain, in ms.</param>
public sealed record HostLiveness(long LastHeard, long LastLooked, long Silence)
{
    /// <summary>Longer gaps between two looks are a pause of our own process, in ms.</summary>
    public const long OwnPauseFrom = 1500;

    /// <summary>Heard just now, or listening begins now.</summary>
    public static HostLiveness Since(long now) => new(now, now, 0);

    /// <summary>Looked at the clock, heard nothing.</summary>
    public HostLiveness Look(long now)
    {
        var gap = now - LastLooked;
        return this with { LastLooked = now, Silence = Silence + (gap > OwnPauseFrom ? 0 : gap) };
    }

    public bool IsSilent(long limitMs) => Silence >= limitMs;
}
