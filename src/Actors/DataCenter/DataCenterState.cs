namespace Orchestrator.Actors.DataCenter;

/// <summary>What a data center is: a definition. What it holds says so itself.</summary>
public abstract record DataCenterState(DataCenterCore Core)
{
    public sealed record Absent(DataCenterCore Core) : DataCenterState(Core);

    public sealed record Active(DataCenterCore Core) : DataCenterState(Core);

    public sealed record Gone(DataCenterCore Core) : DataCenterState(Core);
}

public sealed record DataCenterCore(DataCenterId Id)
{
    public DataCenterConfig? Config { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}
