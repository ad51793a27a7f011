using System.Globalization;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>What the environment may choose: ROUNDS and SEED.</summary>
public static class Rounds
{
    public static int Count(int otherwise) => Number("ROUNDS") ?? otherwise;

    public static int Seed { get; } = Number("SEED") ?? Environment.TickCount & 0xFFFFF;

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
