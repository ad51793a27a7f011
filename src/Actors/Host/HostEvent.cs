namespace Orchestrator.Actors.Host;

/// <summary>What happened to a host: the journal's vocabulary. Names on the wire are in Journal/WireNames.cs.</summary>
public abstract record HostEvent
{
    private HostEvent()
    {
    }

    public sealed record Registered(Origin Origin, HostConfig Config) : HostEvent;

    public sealed record Redefined(Origin Origin, string What, HostConfig Config) : HostEvent;

    public sealed record Activated(Origin Origin) : HostEvent;

    /// <summary>The agent was reached. A boot not seen before begins another life.</summary>
    public sealed record CameUp(AgentFacts Facts, long Incarnation, DateTimeOffset At) : HostEvent;

    public sealed record LinkBroke(DateTimeOffset At) : HostEvent;

    public sealed record WentSilent(DateTimeOffset LastHeard, long Attempt, DateTimeOffset At) : HostEvent;

    /// <summary>The power is off, or the operator swears that it was: the guests of the life before are dead.</summary>
    public sealed record Fenced(long Incarnation, long Attempt, string How, DateTimeOffset At) : HostEvent
    {
        /// <summary>The job under which an operator swore it; null when power management proved it.</summary>
        public JobId? Oath { get; init; }
    }

    /// <summary>It answers in the boot whose power was said to be off: what is said of it was not true.</summary>
    public sealed record FenceDoubted(string BootId, DateTimeOffset At) : HostEvent;

    public sealed record PowerFailed(PowerAction Action, long Attempt, string Reason, DateTimeOffset At) : HostEvent;

    /// <summary>Its power is not cut, and is asked about again as long as it is silent.</summary>
    public sealed record FenceSkipped(FenceSkip Why, string Words, DateTimeOffset At) : HostEvent;

    /// <summary>An operator wants it fenced, whatever the cluster's policy says.</summary>
    public sealed record FenceOrdered(Origin Origin) : HostEvent;

    public sealed record PoweredOn(DateTimeOffset At) : HostEvent;

    public sealed record MaintenanceRequested(Origin Origin, string Reason) : HostEvent;

    public sealed record EnteredMaintenance(DateTimeOffset At) : HostEvent;

    public sealed record Removed(Origin Origin) : HostEvent;
}
