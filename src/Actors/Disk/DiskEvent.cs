namespace Orchestrator.Actors.Disk;

/// <summary>What happened to a disk: the journal's vocabulary.</summary>
public abstract record DiskEvent
{
    private DiskEvent()
    {
    }

    public sealed record Created(
        Origin Origin, DiskConfig Config, string Path, HostId Host, string Source, string SourceFormat) : DiskEvent;

    public sealed record Redefined(Origin Origin, DiskConfig Config) : DiskEvent;

    public sealed record ImageMade(DateTimeOffset At) : DiskEvent;

    public sealed record ImageFailed(string Reason, DateTimeOffset At) : DiskEvent;

    public sealed record Attached(Origin Origin, VmId Vm) : DiskEvent;

    public sealed record Detached(Origin Origin, VmId Vm) : DiskEvent;

    public sealed record RemovalRequested(Origin Origin, HostId Host) : DiskEvent;

    public sealed record Removed(DateTimeOffset At) : DiskEvent;

    public sealed record MoveRequested(Origin Origin, DiskPlace To, HostId Host) : DiskEvent;

    /// <summary>No guest has the image open.</summary>
    public sealed record CopyBegun(DateTimeOffset At) : DiskEvent;

    /// <summary>The guest goes on writing meanwhile.</summary>
    public sealed record MirrorBegun(GuestCopy Guest, DateTimeOffset At) : DiskEvent;

    /// <summary>The copy has caught up, and whatever the guest writes goes to both.</summary>
    public sealed record SwitchBegun(DateTimeOffset At) : DiskEvent;

    /// <summary>The guest runs on, on the old image.</summary>
    public sealed record MoveTurnedBack(string Reason, DateTimeOffset At) : DiskEvent;

    public sealed record StepRepeated(DateTimeOffset At) : DiskEvent;

    public sealed record MoveDone(DateTimeOffset At) : DiskEvent
    {
        /// <summary>The start that ended it; null: it came to its end.</summary>
        public JobId? By { get; init; }
    }

    public sealed record MoveFailed(string Reason, DateTimeOffset At) : DiskEvent
    {
        /// <summary>The start that ended it.</summary>
        public JobId? By { get; init; }
    }

    public sealed record GrowthRequested(Origin Origin, long Size, HostId Host) : DiskEvent;

    /// <param name="Guest">Who has the image open; null: nobody.</param>
    public sealed record GrowthBegun(GuestCopy? Guest, DateTimeOffset At) : DiskEvent;

    /// <summary>Its VM is started: it is asked again who has it.</summary>
    public sealed record GrowthHeldUp(JobId By, DateTimeOffset At) : DiskEvent;

    public sealed record Grown(DateTimeOffset At) : DiskEvent;

    public sealed record GrowthFailed(string Reason, DateTimeOffset At) : DiskEvent;

    public sealed record LeftoverDeleted(string Path, DateTimeOffset At) : DiskEvent;
}
