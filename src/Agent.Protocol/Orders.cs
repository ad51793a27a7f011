using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// Starts a guest, only with a lease higher than any the agent has seen for this VM. The same lease again answers the
/// present state; a lease that has ended never starts again.
/// </summary>
public sealed record LaunchOrder(Stamp Stamp, long Lease, VmDefinition Definition);

/// <summary>An order about the guest that runs under this lease: pause, resume, cancel-migration, forget.</summary>
public sealed record GuestOrder(Stamp Stamp, long Lease);

public sealed record StopOrder(Stamp Stamp, long Lease, StopMode Mode)
{
    /// <summary>For <see cref="StopMode.Reboot"/> and <see cref="StopMode.Reset"/>: the same id again is the same order, and
    /// done once. An agent that was restarted in between does it again.</summary>
    public Guid? Id { get; init; }
}

/// <summary>Expects a live migration that will arrive under this (new) lease.</summary>
/// <param name="TimeoutSeconds">After this time without an arrival the lease ends as lost; 0 = the agent's default.</param>
public sealed record IncomingOrder(Stamp Stamp, long Lease, VmDefinition Definition, int TimeoutSeconds = 0);

/// <summary>Moves the guest that runs here under <paramref name="Lease"/> to a host that awaits it.</summary>
/// <param name="DestinationUri">The destination's <see cref="AgentDescription.MigrationUri"/>.</param>
/// <param name="DestinationLease">The lease of the <see cref="IncomingOrder"/> there.</param>
/// <param name="MaxDowntimeMs">0 leaves the hypervisor's default (300 ms with QEMU).</param>
/// <param name="BandwidthMiB">MiB/s; 0 = unlimited.</param>
public sealed record MigrateOrder(
    Stamp Stamp,
    long Lease,
    string DestinationUri,
    long DestinationLease,
    int MaxDowntimeMs = 0,
    int BandwidthMiB = 0,
    bool AutoConverge = true,
    bool PostCopy = false,
    int TimeoutSeconds = 0);

/// <summary><see cref="Shutdown"/> and <see cref="Reboot"/> ask the guest; <see cref="PowerOff"/> and <see cref="Reset"/> do
/// not.</summary>
[JsonConverter(typeof(SnakeCaseEnum<StopMode>))]
public enum StopMode
{
    PowerOff,
    Shutdown,
    Reboot,
    Reset,

    /// <summary>Wait no longer for a migration whose source is dead. A guest that has arrived is refused as
    /// <see cref="RefusalCode.WrongState"/> and runs on.</summary>
    AbandonIncoming,
}

/// <summary>
/// The agent has recorded the order and will act on it; what comes of it arrives as events. <paramref name="Guest"/> is
/// the guest as it was at that moment, null where the order leaves none (forget).
/// </summary>
public sealed record OrderReceipt(long Sequence, GuestReport? Guest = null);
