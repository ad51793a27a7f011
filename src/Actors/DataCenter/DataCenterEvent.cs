namespace Orchestrator.Actors.DataCenter;

/// <summary>What happened to a data center: the journal's vocabulary.</summary>
public abstract record DataCenterEvent
{
    private DataCenterEvent()
    {
    }

    public sealed record Created(Origin Origin, DataCenterConfig Config) : DataCenterEvent;

    public sealed record Redefined(Origin Origin, DataCenterConfig Config) : DataCenterEvent;

    public sealed record Removed(Origin Origin) : DataCenterEvent;
}
