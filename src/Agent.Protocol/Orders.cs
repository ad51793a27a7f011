using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// Starts a guest, only with a lease higher than any the agent has seen for this VM. The same lease again answers the
/// present state; a lease that has ended never starts again.
/// </summary>
public sealed record LaunchOrder(Stamp Stamp, long Lease, VmDefinition Definition);

/// <summary>As <see cref="LaunchOrder"/>, but the guest goes on from its memory, and the file is deleted before it does so:
/// as long as the file is there, nothing has run from it. An order of its own, because an agent that does not know it must
/// not boot the guest instead.</summary>
/// <param name="Memory">Path of the file on the host.</param>
public sealed record RestoreOrder(Stamp Stamp, long Lease, VmDefinition Definition, string Memory);

/// <summary>Writes the guest's memory to a new file and ends the guest as <see cref="GuestExit.Saved"/>; when that fails the
/// guest runs on and <see cref="GuestReport.SaveError"/> says why.</summary>
/// <param name="Id">The same id again is the same order, and done once.</param>
/// <param name="Path">An absolute path on storage that other hosts have, too; its folder is made.</param>
public sealed record SaveOrder(Stamp Stamp, long Lease, Guid Id, string Path);

/// <summary>Gives the guest that runs under this lease another machine: disks, NICs, CPUs and memory are plugged and unplugged
/// until it has those of the definition, as far as the hypervisor can. How it ends is told by
/// <see cref="GuestReport.Reshaped"/> and <see cref="GuestReport.ReshapeError"/>.</summary>
/// <param name="Number">The same again is the same order; one below the last is refused. Above 0.</param>
/// <param name="Definition">The whole machine; what cannot be changed in a guest that runs is not looked at.</param>
public sealed record ReshapeOrder(Stamp Stamp, long Lease, long Number, VmDefinition Definition);

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
/// <param name="MaxDowntimeMs">The guest's last stop may take so long; <paramref name="MaxDowntimeMs"/> 0 leaves the
/// hypervisor's default (300 ms with QEMU). <see cref="Convergence"/> may raise it later.</param>
/// <param name="BandwidthMiB">MiB/s; 0 = unlimited.</param>
/// <param name="PostCopy">May switch to post-copy; a step of <see cref="Convergence"/> does it.</param>
public sealed record MigrateOrder(
    Stamp Stamp,
    long Lease,
    string DestinationUri,
    long DestinationLease,
    int MaxDowntimeMs = 0,
    int BandwidthMiB = 0,
    bool AutoConverge = true,
    bool PostCopy = false,
    int TimeoutSeconds = 0)
{
    /// <summary>What is done while the guest writes its memory faster than it is copied, in this order; empty: nothing.</summary>
    public ImmutableArray<ConvergenceStep> Convergence { get => field.IsDefault ? [] : field; init; }

    /// <summary>Pages that were sent before go as differences (XBZRLE); not together with <see cref="Connections"/>.</summary>
    public bool Compressed { get; init; }

    /// <summary>By TLS with the hypervisors' own certificates; fails where they have none.</summary>
    public bool Encrypted { get; init; }

    /// <summary>Parallel connections, 2 to 255; 0: one for all.</summary>
    public int Connections { get; init; }

    /// <summary>Memory goes to the network card without a copy; only with <see cref="Connections"/>, never encrypted.</summary>
    public bool ZeroCopy { get; init; }

    /// <summary>The destination's address that the memory is sent to; null: that of <see cref="DestinationUri"/>.</summary>
    public string? MemoryAddress { get; init; }

    /// <summary>The network of <see cref="MemoryAddress"/>, "10.78.0.0/24": without an address of its own in it the source
    /// sends nothing.</summary>
    public string? MemoryNetwork { get; init; }
}

/// <param name="After">Done when the memory was gone over more often than this after its first pass; -1: at the next time.</param>
/// <param name="DowntimeMs">Of <see cref="ConvergenceAction.SetDowntime"/>: milliseconds.</param>
public sealed record ConvergenceStep(int After, ConvergenceAction Action, int DowntimeMs = 0);

[JsonConverter(typeof(SnakeCaseEnum<ConvergenceAction>))]
public enum ConvergenceAction
{
    /// <summary>Let the guest's last stop take longer.</summary>
    SetDowntime,

    /// <summary>Run it at the destination now, and fetch the rest as it is touched.</summary>
    PostCopy,

    /// <summary>Give up: the guest stays where it is.</summary>
    Abort,
}

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
