using System.Collections.Immutable;

namespace Orchestrator.Actors.Host;

/// <summary>
/// What a host is. <see cref="HostCore.Incarnation"/> counts its lives: it rises exactly when all guests of the life
/// before are proved dead (power confirmed off, another boot seen, its crash kernel heard, or the operator's word), and never falls.
/// </summary>
public abstract record HostState(HostCore Core)
{
    public sealed record Absent(HostCore Core) : HostState(Core);

    public sealed record Maintenance(HostCore Core) : HostState(Core);

    /// <summary>Its agent has not been reached since it was activated.</summary>
    public sealed record Initializing(HostCore Core) : HostState(Core);

    public sealed record Up(HostCore Core) : HostState(Core);

    /// <summary>Its agent answers, and it takes no new guests: see <see cref="HostCore.Unfit"/>. Those that it has run on.</summary>
    public sealed record NonOperational(HostCore Core) : HostState(Core);

    /// <summary>The link broke a moment ago; within the limit nothing is concluded.</summary>
    public sealed record Connecting(HostCore Core) : HostState(Core);

    /// <summary>Silent for longer than the limit. Its guests may run; its power is to be cut.</summary>
    public sealed record NonResponsive(HostCore Core) : HostState(Core);

    /// <summary>Its kernel has crashed: proved, by the crash kernel's own word. That one writes the memory, and its power is kept.</summary>
    public sealed record Kdumping(HostCore Core) : HostState(Core);

    /// <summary>Its power is off: proved. It is to be switched on again.</summary>
    public sealed record PoweredOff(HostCore Core) : HostState(Core);

    /// <summary>Switched on; its agent is awaited.</summary>
    public sealed record Rebooting(HostCore Core) : HostState(Core);

    /// <summary>To maintenance once its guests have left.</summary>
    public sealed record Draining(HostCore Core) : HostState(Core);

    /// <summary>The engine brings the agent to it over SSH. It has no guests and no link.</summary>
    public sealed record Installing(HostCore Core) : HostState(Core);

    /// <summary>That went wrong; it waits for a user.</summary>
    public sealed record InstallFailed(HostCore Core) : HostState(Core);

    public sealed record Gone(HostCore Core) : HostState(Core);
}

/// <summary>What is true of a host in every phase.</summary>
public sealed record HostCore(HostId Id)
{
    public HostConfig? Config { get; init; }

    public AgentFacts? Facts { get; init; }

    /// <summary>The node by way of which its agent is spoken to; null: straight.</summary>
    public string? By { get; init; }

    /// <summary>Which life of the host; 1 is the first.</summary>
    public long Incarnation { get; init; } = 1;

    /// <summary>Number of the present power action; answers to older ones are dropped.</summary>
    public long Attempt { get; init; }

    /// <summary>Power actions that failed in a row: the pause before the next grows with it.</summary>
    public int Failures { get; init; }

    /// <summary>When it was given up last; the order in which silent hosts are fenced.</summary>
    public DateTimeOffset SilentSince { get; init; }

    /// <summary>Its agent was restarted over SSH since it was heard last.</summary>
    public bool AgentRestarted { get; init; }

    /// <summary>Why its power was not cut since it fell silent, or null.</summary>
    public FenceSkip? Skipped { get; init; }

    /// <summary>What a user wants done to its power while it is in maintenance.</summary>
    public PowerOrder? Ordered { get; init; }

    /// <summary>What its power device said last when a user asked.</summary>
    public PowerAnswer? Answer { get; init; }

    /// <summary>It was heard in its old boot after its power was said to be off.</summary>
    public bool Doubted { get; init; }

    /// <summary>An operator has ordered the power action.</summary>
    public bool FenceByHand { get; init; }

    /// <summary>Where it is to keep its lease on shared storage; empty: not chosen.</summary>
    public string LeaseFolder { get; init; } = "";

    /// <summary>By what it is bound in its present boot, or null.</summary>
    public HostBond? Bond { get; init; }

    /// <summary>The life before was proved dead by its lease alone: see <see cref="HostEvent.Fenced.OnStorageAlone"/>.</summary>
    public bool OnStorageAlone { get; init; }

    /// <summary>Domains of its data center that it cannot read.</summary>
    public ImmutableArray<LostDomain> Lost { get; init; } = [];

    /// <summary>For what it is non-operational, or will be when it answers again; null: it is fit.</summary>
    public Unfitness? Unfit { get; init; }

    /// <summary>When it fell silent lately, the oldest first.</summary>
    public ImmutableArray<DateTimeOffset> Silences { get; init; } = [];

    /// <summary>Its last quarantine, also when that is over: the next one lasts twice as long.</summary>
    public Quarantine? Quarantined { get; init; }

    /// <summary>Since when its agent's first answer is awaited.</summary>
    public DateTimeOffset AwaitedSince { get; init; }

    /// <summary>The last restoration of the database that it has lived through; 0: none.</summary>
    public long Restoration { get; init; }

    /// <summary>The last restoration since which it has told which guests it has, or was proved dead.</summary>
    public long AccountedFor { get; init; }

    /// <summary>By the restored backup it is in maintenance: it goes there when it has no guests.</summary>
    public bool WasEmptied { get; init; }

    /// <summary>What is done to its own software at present.</summary>
    public HostDeploy? Deploy { get; init; }

    /// <summary>How often that was asked for.</summary>
    public long Deploys { get; init; }

    /// <summary>A password for its installation is kept.</summary>
    public bool HasPassword { get; init; }

    /// <summary>The certificate that it showed last; null: not known.</summary>
    public HostCertificate? Certificate { get; init; }

    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}

/// <param name="Action">What comes next: a restart is off, then on.</param>
public sealed record PowerOrder(PowerAction Action, Job Job);

/// <param name="Question">The job of the user who asked.</param>
/// <param name="Message">What the device or the way to it said.</param>
public sealed record PowerAnswer(JobId Question, bool Ok, PowerState Power, string Message);
