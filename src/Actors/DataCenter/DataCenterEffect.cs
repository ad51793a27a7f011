namespace Orchestrator.Actors.DataCenter;

/// <summary>A data center asks nothing of the world yet: storage and clusters look after themselves.</summary>
public abstract record DataCenterEffect
{
    private DataCenterEffect()
    {
    }
}
