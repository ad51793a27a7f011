namespace Orchestrator.Actors.DataCenter;

/// <summary>What may be asked of a data center.</summary>
public abstract record DataCenterCommand : Traced
{
    private DataCenterCommand()
    {
    }

    public sealed record Create(Origin Origin, DataCenterConfig Config) : DataCenterCommand;

    public sealed record Update(Origin Origin, DataCenterPatch Patch) : DataCenterCommand;

    public sealed record Remove(Origin Origin) : DataCenterCommand;
}

public sealed record DataCenterConfig
{
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    public string Comment { get; init; } = "";

    /// <summary>Storage local to one host instead of shared.</summary>
    public bool Local { get; init; }

    public string QuotaMode { get; init; } = "disabled";
}

public sealed record DataCenterPatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public string? Comment { get; init; }

    public string? QuotaMode { get; init; }

    public DataCenterConfig Apply(DataCenterConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Comment = Comment ?? config.Comment,
        QuotaMode = QuotaMode ?? config.QuotaMode,
    };
}
