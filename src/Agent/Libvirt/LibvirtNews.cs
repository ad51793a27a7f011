using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>What libvirt calls back about, in the order it came, with libvirt's own numbers.</summary>
internal abstract record LibvirtNews
{
    public sealed record Lifecycle(Guid Vm, int Event, int Detail) : LibvirtNews;

    public sealed record GuestAgent(Guid Vm, bool Connected) : LibvirtNews;

    public sealed record DiskError(Guid Vm, string Path, string Reason) : LibvirtNews;

    public sealed record Watchdog(Guid Vm, int Action) : LibvirtNews;

    public sealed record DeviceRemoved(Guid Vm) : LibvirtNews;

    public sealed record JobCompleted(Guid Vm, IReadOnlyDictionary<string, long> Numbers) : LibvirtNews;

    public sealed record UpDeadline(GuestKey Guest) : LibvirtNews;

    /// <summary>The guest's memory is on storage, and flushed.</summary>
    public sealed record Saved(GuestKey Guest) : LibvirtNews;

    /// <summary>The statistics of a migration have not come in time.</summary>
    public sealed record LeftDeadline(GuestKey Guest) : LibvirtNews;

    /// <summary>A migration that was under way when the agent came has ended, and the guest is still here.</summary>
    public sealed record TurnedBack(GuestKey Guest, string Why) : LibvirtNews;

    /// <summary>The connection of this number is gone.</summary>
    public sealed record Closed(int Connection) : LibvirtNews;

    /// <summary>A guest's progress that the driver itself learned, put in line with libvirt's news.</summary>
    public sealed record Told(GuestReport Guest) : LibvirtNews;
}

/// <summary>libvirt's virDomainEventType.</summary>
internal static class LifecycleEvent
{
    public const int Started = 2;
    public const int Suspended = 3;
    public const int Resumed = 4;
    public const int Stopped = 5;
    public const int Shutdown = 6;

    // details of Suspended
    public const int ByUser = 0, ByMigration = 1, ByIoError = 2, ByWatchdog = 3, ByPostCopy = 7, ByBrokenPostCopy = 8;

    /// <summary>Detail of <see cref="Resumed"/>: it runs here by a post-copy that broke.</summary>
    public const int InBrokenPostCopy = 4;
}
