namespace Orchestrator.Tests.Simulation;

/// <summary>The bugs that can be planted.</summary>
public static class PlantedBugs
{
    public static IReadOnlyList<Planted> All { get; } =
    [
        new("no-write-fence", "owner") { Plant = s => s.Database.Engine.WriteFence = false },
    ];
}
