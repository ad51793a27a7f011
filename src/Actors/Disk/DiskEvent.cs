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
}
