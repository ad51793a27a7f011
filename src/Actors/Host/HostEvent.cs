using System.Collections.Immutable;

namespace Orchestrator.Actors.Host;

/// <summary>What happened to a host: the journal's vocabulary. Names on the wire are in Journal/WireNames.cs.</summary>
public abstract record HostEvent
{
    private HostEvent()
    {
    }

    public sealed record Registered(Origin Origin, HostConfig Config) : HostEvent
    {
        /// <summary>The restoration of the database before it was added; null: none.</summary>
        public long? Restoration { get; init; }

        /// <summary>It is installed over SSH first; null: its agent is there already.</summary>
        public FirstInstall? Install { get; init; }
    }

    public sealed record Redefined(Origin Origin, string What, HostConfig Config) : HostEvent;

    public sealed record Activated(Origin Origin) : HostEvent;

    /// <summary>The agent was reached. A boot not seen before begins another life.</summary>
    public sealed record CameUp(AgentFacts Facts, long Incarnation, DateTimeOffset At) : HostEvent;

    public sealed record LinkBroke(DateTimeOffset At) : HostEvent;

    /// <param name="By">The node by way of which its agent is spoken to; null: straight.</param>
    public sealed record WayChanged(string? By, DateTimeOffset At) : HostEvent;

    public sealed record WentSilent(DateTimeOffset LastHeard, long Attempt, DateTimeOffset At) : HostEvent;

    /// <summary>The power is off, or the operator swears that it was: the guests of the life before are dead.</summary>
    public sealed record Fenced(long Incarnation, long Attempt, string How, DateTimeOffset At) : HostEvent
    {
        /// <summary>The job under which an operator swore it; null when power management proved it.</summary>
        public JobId? Oath { get; init; }

        /// <summary>Proved by its lease alone, without a watchdog: a guest without a disk of its own, which the storage could
        /// lock, is not proved dead.</summary>
        public bool OnStorageAlone { get; init; }
    }

    /// <summary>Where it is to keep its lease on shared storage.</summary>
    public sealed record LeaseFolderChosen(string Folder, DateTimeOffset At) : HostEvent;

    /// <summary>By what it is bound from now on; null: by nothing.</summary>
    public sealed record Bound(HostBond? Bond, DateTimeOffset At) : HostEvent;

    /// <summary>It answers in the boot whose power was said to be off: what is said of it was not true.</summary>
    public sealed record FenceDoubted(string BootId, DateTimeOffset At) : HostEvent;

    public sealed record PowerFailed(PowerAction Action, long Attempt, string Reason, DateTimeOffset At) : HostEvent;

    /// <summary>Its power is not cut, and is asked about again as long as it is silent.</summary>
    public sealed record FenceSkipped(FenceSkip Why, string Words, DateTimeOffset At) : HostEvent;

    /// <summary>It has waited for its turn to be fenced, and has it now.</summary>
    public sealed record FenceTurnCame(DateTimeOffset At) : HostEvent;

    /// <summary>Its agent was restarted over SSH. Its guests run on.</summary>
    public sealed record AgentRestarted(string Message, DateTimeOffset At) : HostEvent;

    /// <summary>Its kernel has crashed, and another writes its memory: the guests of the life before are dead.</summary>
    public sealed record KdumpBegan(long Incarnation, long Attempt, DateTimeOffset At) : HostEvent;

    /// <summary>Its memory is written; it boots by itself.</summary>
    public sealed record KdumpEnded(DateTimeOffset At) : HostEvent;

    /// <summary>An operator wants it fenced, whatever the cluster's policy says.</summary>
    public sealed record FenceOrdered(Origin Origin) : HostEvent;

    /// <summary>A user wants the power of a host in maintenance turned.</summary>
    public sealed record PowerOrdered(Origin Origin, PowerAction Action) : HostEvent;

    /// <summary>What its power device answered to a user's question.</summary>
    public sealed record PowerTold(PowerAnswer Answer, DateTimeOffset At) : HostEvent;

    public sealed record PoweredOn(DateTimeOffset At) : HostEvent;

    public sealed record MaintenanceRequested(Origin Origin, string Reason) : HostEvent;

    public sealed record EnteredMaintenance(DateTimeOffset At) : HostEvent;

    public sealed record Removed(Origin Origin) : HostEvent;

    /// <summary>Work on its own software was asked for.</summary>
    public sealed record DeployBegan(Origin Origin, DeployKind Kind, long Number) : HostEvent
    {
        public SshAccess? Ssh { get; init; }

        public bool WithPassword { get; init; }

        public bool Activate { get; init; }
    }

    public sealed record DeployStepped(long Number, string Step, DateTimeOffset At) : HostEvent
    {
        /// <summary>Of the host's SSH key, seen at the first login.</summary>
        public string? Fingerprint { get; init; }
    }

    public sealed record Deployed(long Number, string Message, DateTimeOffset At) : HostEvent;

    public sealed record DeployFailed(long Number, string Reason, DateTimeOffset At) : HostEvent;

    /// <summary>The password for its installation is kept no longer.</summary>
    public sealed record PasswordForgotten(DateTimeOffset At) : HostEvent;

    /// <summary>It shows another certificate, or that nears its end.</summary>
    public sealed record CertificateSeen(HostCertificate Certificate, DateTimeOffset At) : HostEvent;

    /// <summary>The database was restored from a backup: what the host is and has is to be heard anew.</summary>
    public sealed record BackupRestored(long Restoration, DateTimeOffset At) : HostEvent;

    /// <summary>The same, of a host that is not known: nothing of it is journaled.</summary>
    public sealed record RestorationSeen(long Restoration) : HostEvent, IUnrecorded;

    /// <summary>Since the restoration it has told which guests it has, and their VMs know.</summary>
    public sealed record Accounted(DateTimeOffset At) : HostEvent;

    /// <summary>Which domains of its data center it cannot read; empty: it reads all again.</summary>
    public sealed record DomainsChanged(ImmutableArray<LostDomain> Lost, DateTimeOffset At) : HostEvent;

    /// <summary>It takes no new guests from now on; those that it has run on.</summary>
    public sealed record BecameNonOperational(Unfitness Why) : HostEvent;

    /// <summary>What it was non-operational for is gone.</summary>
    public sealed record BecameOperational(string How, DateTimeOffset At) : HostEvent;
}
