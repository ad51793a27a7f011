using System.Collections.Immutable;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>A rule of the world that was broken, with what a reader needs to believe it.</summary>
/// <param name="At">Since the world began.</param>
/// <param name="Rule">The rule's short name; the same for every break of it.</param>
public sealed record Violation(TimeSpan At, string Rule, string What, ImmutableArray<string> Evidence)
{
    public override string ToString() =>
        $"{At.TotalSeconds:F3} s  {Rule}: {What}" + string.Concat(Evidence.Select(e => $"\n    {e}"));
}
