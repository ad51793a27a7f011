namespace Orchestrator.Actors.StorageDomain;

/// <summary>What happened to a storage domain: the journal's vocabulary.</summary>
public abstract record StorageDomainEvent
{
    private StorageDomainEvent()
    {
    }

    public sealed record Created(Origin Origin, StorageDomainConfig Config, HostId Host) : StorageDomainEvent;

    public sealed record Redefined(Origin Origin, StorageDomainConfig Config) : StorageDomainEvent;

    public sealed record Prepared(long Available, long Used, DateTimeOffset At) : StorageDomainEvent;

    public sealed record PreparationFailed(string Reason, DateTimeOffset At) : StorageDomainEvent;

    public sealed record Attached(Origin Origin, DataCenterId DataCenter) : StorageDomainEvent;

    public sealed record Detached(Origin Origin) : StorageDomainEvent;

    public sealed record Activated(Origin Origin) : StorageDomainEvent;

    public sealed record Deactivated(Origin Origin) : StorageDomainEvent;

    public sealed record Removed(Origin Origin) : StorageDomainEvent;
}
