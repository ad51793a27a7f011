namespace Orchestrator.Actors.Host;

/// <summary>How hosts are watched.</summary>
/// <param name="SilentAfter">Without a word for this long a host is non-responsive and its power is cut; 5 s. Lower:
/// a busy host may be fenced for a pause. Higher: HA restarts come later by as much.</param>
/// <param name="ReconnectEvery">Pause between attempts to reach an agent; 300 ms.</param>
/// <param name="FencePatience">A power action without an answer for this long is given to another proxy; 40 s.</param>
public sealed record HostSettings(TimeSpan SilentAfter, TimeSpan ReconnectEvery, TimeSpan FencePatience)
{
    /// <summary>A host that has not read a storage domain for this long is non-operational, when others read it; 2 min.</summary>
    public required TimeSpan StoragePatience { get; init; }

    /// <summary>A host whose agent has not answered for this long after it was added or activated is non-operational; 3 min.</summary>
    public required TimeSpan AnswerPatience { get; init; }

    /// <summary>A silent host that has a crash kernel keeps its power for so long, to hear it; zero: nobody listens.</summary>
    public TimeSpan KdumpPatience { get; init; }

    /// <summary>How often a host is asked what it sees of its guests; 15 s.</summary>
    public TimeSpan ObserveEvery { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often it is looked when a host's certificate ends; 1 h.</summary>
    public TimeSpan CertificateEvery { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Who falls silent more often than so takes no guests for a while.</summary>
    public required QuarantineRule Quarantine { get; init; }
}
