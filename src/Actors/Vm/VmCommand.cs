using System.Collections.Immutable;

namespace Orchestrator.Actors.Vm;

/// <summary>What may be asked of a VM, and what may be reported to it.</summary>
public abstract record VmCommand : Traced
{
    private VmCommand()
    {
    }

    // from users
    public sealed record Create(Origin Origin, VmConfig Config) : VmCommand;

    public sealed record Update(Origin Origin, VmPatch Patch) : VmCommand;

    public sealed record Remove(Origin Origin) : VmCommand;

    public sealed record Start(Origin Origin) : VmCommand;

    /// <summary>Power off at once.</summary>
    public sealed record Stop(Origin Origin) : VmCommand;

    /// <summary>Ask the guest's operating system to end.</summary>
    public sealed record Shutdown(Origin Origin) : VmCommand;

    /// <summary>Ask the guest's operating system to start anew.</summary>
    public sealed record Reboot(Origin Origin) : VmCommand;

    /// <summary>Start the machine anew at once, as its reset button would.</summary>
    public sealed record Reset(Origin Origin) : VmCommand;

    /// <param name="Host">Wanted destination, or null: the cluster chooses.</param>
    /// <param name="Force">Also a VM that only users may migrate.</param>
    public sealed record Migrate(Origin Origin, HostId? Host, bool Force) : VmCommand;

    public sealed record CancelMigration(Origin Origin) : VmCommand;

    public sealed record AttachDisk(Origin Origin, DiskAttachment Disk) : VmCommand;

    public sealed record UpdateDisk(Origin Origin, DiskAttachment Disk) : VmCommand;

    public sealed record DetachDisk(Origin Origin, DiskId Disk) : VmCommand;

    public sealed record AddNic(Origin Origin, Nic Nic) : VmCommand;

    public sealed record UpdateNic(Origin Origin, Nic Nic) : VmCommand;

    public sealed record RemoveNic(Origin Origin, Guid Nic) : VmCommand;

    // from the cluster
    public sealed record OfferHost(HostId Host, string HostName, long Incarnation, Lease AskedAt, DateTimeOffset At)
        : VmCommand;

    /// <param name="Reasons">Why each host was out, for the operator.</param>
    public sealed record RefusePlacement(Lease AskedAt, ImmutableArray<string> Reasons, DateTimeOffset At) : VmCommand;

    // from hosts
    /// <summary>A guest's state as its host sees it. What it means follows from the lease it carries.</summary>
    public sealed record ReportGuest(
        HostId Host, string HostName, long Incarnation, Lease Lease, GuestState State, VmExit Exit, string? Message,
        MigrationFigures? Migration, DateTimeOffset At) : VmCommand, IReport
    {
        /// <summary>The destination's lease of the migration that is spoken of; null when the agent does not say.</summary>
        public Lease? Move { get; init; }
    }

    /// <summary>The host has no guest of this VM under this lease any more. A word without a lease would be one of any time
    /// at all: it may arrive when a later copy runs there.</summary>
    public sealed record ReportMissing(HostId Host, Lease Lease, DateTimeOffset At) : VmCommand, IReport;

    /// <summary>The host did not take the order; the guest was certainly not started under this lease.</summary>
    public sealed record RefuseLaunch(HostId Host, Lease Lease, string Reason, DateTimeOffset At) : VmCommand;

    /// <summary>The destination, or the source, did not take the order to migrate.</summary>
    public sealed record RefuseMigration(Lease DestinationLease, string Reason, DateTimeOffset At) : VmCommand;

    public sealed record ReportIncomingReady(HostId Host, Lease Lease, DateTimeOffset At) : VmCommand;

    /// <summary>The agent has taken the order and carries it out.</summary>
    public sealed record ReportActionTaken(JobId Action, DateTimeOffset At) : VmCommand;

    /// <summary>The agent will not carry it out, whenever it is asked.</summary>
    public sealed record RefuseAction(JobId Action, string Reason, DateTimeOffset At) : VmCommand;

    public sealed record LoseHost(HostId Host, long Incarnation, DateTimeOffset At) : VmCommand;

    /// <summary>All guests of that host's lives below <paramref name="Incarnation"/> are dead: proved.</summary>
    public sealed record ConfirmFence(HostId Host, long Incarnation, DateTimeOffset At) : VmCommand;
}

public enum GuestState
{
    WaitForLaunch,
    PoweringUp,
    Up,
    Paused,
    PoweringDown,
    MigratingOut,
    Incoming,
    Down,

    /// <summary>Runs on here: the migration did not come to be.</summary>
    MigrationFailed,

    /// <summary>Ended here because it now runs at the other end of a migration.</summary>
    HandedOver,
}

/// <summary>libvirt's own figures of a finished migration, in milliseconds.</summary>
public sealed record MigrationFigures(long TotalMs, long DowntimeMs);
