using System.Collections.Immutable;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Host;

/// <summary>What may be asked of a host, and what may be reported to it.</summary>
public abstract record HostCommand : Traced
{
    private HostCommand()
    {
    }

    // from users
    public sealed record Register(Origin Origin, HostConfig Config) : HostCommand;

    public sealed record Update(Origin Origin, HostPatch Patch) : HostCommand;

    public sealed record Activate(Origin Origin) : HostCommand;

    /// <summary>To maintenance: guests are moved away first.</summary>
    public sealed record Deactivate(Origin Origin, string Reason) : HostCommand;

    public sealed record Remove(Origin Origin) : HostCommand;

    /// <summary>A power action through the host's fence agent.</summary>
    public sealed record Fence(Origin Origin, PowerAction Action) : HostCommand;

    /// <summary>The operator swears that the host was rebooted: all its guests are dead.</summary>
    public sealed record ConfirmRebooted(Origin Origin) : HostCommand;

    public sealed record AddFenceAgent(Origin Origin, FenceAgent Agent) : HostCommand;

    public sealed record UpdateFenceAgent(Origin Origin, FenceAgent Agent) : HostCommand;

    public sealed record RemoveFenceAgent(Origin Origin, Guid Agent) : HostCommand;

    // from VMs: orders on their way to the agent
    public sealed record Launch(VmId Vm, Seat Seat, VmConfig Definition) : HostCommand;

    public sealed record Halt(VmId Vm, Seat Seat, StopMode Mode) : HostCommand;

    public sealed record ActOnGuest(VmId Vm, Seat Seat, PendingAction Action) : HostCommand;

    /// <summary>A copy that must not be: end it, whatever the host's life.</summary>
    public sealed record Destroy(VmId Vm, Lease Lease) : HostCommand;

    public sealed record ExpectIncoming(VmId Vm, Seat Seat, VmConfig Definition) : HostCommand;

    public sealed record MigrateOut(VmId Vm, Seat From, Seat To) : HostCommand;

    public sealed record CancelMigration(VmId Vm, Seat From) : HostCommand;

    /// <summary>Wait no longer for a guest whose source is dead; one that has come runs on.</summary>
    public sealed record AbandonIncoming(VmId Vm, Seat Seat) : HostCommand;

    /// <summary>Is the guest that sat here proved dead? Answered by ConfirmFence, LoseHost or silence.</summary>
    public sealed record AskWhetherGone(VmId Vm, Seat Seat) : HostCommand;

    // from disks, templates and storage domains: work on images
    public sealed record RunImageJob(ImageWork Work) : HostCommand;

    // from the link to the agent
    public sealed record ReportReached(AgentFacts Facts, DateTimeOffset At) : HostCommand;

    /// <summary>Nothing was heard for longer than the limit.</summary>
    public sealed record ReportSilent(DateTimeOffset LastHeard, DateTimeOffset At) : HostCommand;

    /// <summary>The link broke; the host has not been silent for long yet.</summary>
    public sealed record ReportUnreached(DateTimeOffset At) : HostCommand;

    /// <summary>It was switched on and has not answered since.</summary>
    public sealed record ReportBootOverdue(long Attempt, DateTimeOffset SwitchedOn, DateTimeOffset At) : HostCommand;

    /// <summary>While the host is drained: no guest is left.</summary>
    public sealed record ReportEmpty(DateTimeOffset At) : HostCommand;

    // from the fence proxy
    public sealed record ReportPower(long Attempt, PowerAction Action, bool Ok, PowerState Power, string Message,
        DateTimeOffset At) : HostCommand;

    /// <summary>Its cluster's policy forbids to cut its power at present.</summary>
    public sealed record ReportFenceSkipped(long Attempt, FenceSkip Why, string Words, DateTimeOffset At) : HostCommand;

    /// <summary>Run a fence program against another host.</summary>
    public sealed record RunFence(HostId Target, string TargetName, long Attempt, PowerAction Action, ImmutableArray<FenceAgent> Agents)
        : HostCommand;
}

public enum PowerAction { Status, Off, On, Restart }

public enum PowerState { Unknown, On, Off }

public sealed record HostConfig
{
    public required string Name { get; init; }

    public required ClusterId Cluster { get; init; }

    /// <summary>Name or IP address of the agent.</summary>
    public required string Address { get; init; }

    /// <summary>TCP port of the agent.</summary>
    public int Port { get; init; } = 54321;

    /// <summary>Path prefix before /v1, for many simulated hosts behind one port; normally empty.</summary>
    public string PathPrefix { get; init; } = "";

    public string Comment { get; init; } = "";

    public string Description { get; init; } = "";

    public bool PowerManagementEnabled { get; init; }

    public ImmutableArray<FenceAgent> FenceAgents { get; init; } = [];
}

public sealed record HostPatch
{
    public string? Name { get; init; }

    public string? Comment { get; init; }

    public string? Description { get; init; }

    public string? Address { get; init; }

    public ClusterId? Cluster { get; init; }

    public bool? PowerManagementEnabled { get; init; }

    public HostConfig Apply(HostConfig config) => config with
    {
        Name = Name ?? config.Name,
        Comment = Comment ?? config.Comment,
        Description = Description ?? config.Description,
        Address = Address ?? config.Address,
        Cluster = Cluster ?? config.Cluster,
        PowerManagementEnabled = PowerManagementEnabled ?? config.PowerManagementEnabled,
    };
}

/// <summary>How to cut a host's power.</summary>
/// <param name="Type">A fence-agents program without its prefix: ipmilan, redfish, apc …</param>
/// <param name="Secret">Name under which the password is kept; the password itself is never in the journal.</param>
/// <param name="Options">Further options of the program.</param>
public sealed record FenceAgent(
    Guid Id, string Type, string Address, int? Port, string Username, string Secret, int Order,
    ImmutableArray<KeyValuePair<string, string>> Options);

/// <summary>What an agent says of itself when it is reached.</summary>
/// <param name="Memory">Bytes.</param>
public sealed record AgentFacts(
    string HostUuid, string BootId, string Version, string Driver, string Accelerator, int Cpus, string CpuModel,
    long Memory, string MigrationAddress);

/// <summary>Work on images that some host must do. The id makes it idempotent.</summary>
/// <param name="Owner">Kind and id of the entity that waits: "disk", "storagedomain", "template".</param>
public sealed record ImageWork(
    Guid Id, string Owner, Guid OwnerId, ImageAction Action, string Path, string Format, long Size, string Source,
    string SourceFormat);

public enum ImageAction { PrepareDomain, Create, Copy, Delete }
