namespace Orchestrator.Actors.StorageDomain;

/// <summary>What happened to a storage domain: the journal's vocabulary.</summary>
public abstract record StorageDomainEvent
{
    private StorageDomainEvent()
    {
    }

    public sealed record Created(Origin Origin, StorageDomainConfig Config, HostId Host) : StorageDomainEvent
    {
        public Opening Opening { get; init; }
    }

    public sealed record Redefined(Origin Origin, StorageDomainConfig Config) : StorageDomainEvent;

    public sealed record Prepared(long Available, long Used, DateTimeOffset At) : StorageDomainEvent;

    public sealed record PreparationFailed(string Reason, DateTimeOffset At) : StorageDomainEvent;

    public sealed record Attached(Origin Origin, DataCenterId DataCenter) : StorageDomainEvent;

    public sealed record Detached(Origin Origin) : StorageDomainEvent;

    public sealed record Activated(Origin Origin) : StorageDomainEvent;

    public sealed record Deactivated(Origin Origin) : StorageDomainEvent;

    public sealed record Removed(Origin Origin) : StorageDomainEvent;

    /// <summary>A host is to look at its metadata before it is active there.</summary>
    public sealed record ActivationBegan(Origin Origin, DataCenterId DataCenter, HostId Host, Standing Before) : StorageDomainEvent;

    public sealed record Opened(long Available, long Used, DateTimeOffset At) : StorageDomainEvent;

    public sealed record OpeningFailed(string Reason, DateTimeOffset At) : StorageDomainEvent;

    /// <summary>A host is to write that it is detached.</summary>
    public sealed record DetachmentBegan(Origin Origin, HostId Host) : StorageDomainEvent;

    public sealed record Released(DateTimeOffset At) : StorageDomainEvent;

    public sealed record ReleaseFailed(string Reason, DateTimeOffset At) : StorageDomainEvent;

    /// <summary>A host is to delete all of it.</summary>
    public sealed record WipeBegan(Origin Origin, HostId Host) : StorageDomainEvent;

    public sealed record Wiped(DateTimeOffset At) : StorageDomainEvent;

    public sealed record WipeFailed(string Reason, DateTimeOffset At) : StorageDomainEvent;

    public sealed record WentUnread(string Reason, DateTimeOffset At) : StorageDomainEvent;

    public sealed record CameBack(DateTimeOffset At) : StorageDomainEvent;

    /// <summary>Journaled when it tells of another level, or of a percent more or less.</summary>
    public sealed record SpaceChanged(long Available, long Used, DateTimeOffset At) : StorageDomainEvent;
}

/// <summary>What a domain was before it is activated, and is again when that fails.</summary>
public enum Standing { Unattached, Attached }
