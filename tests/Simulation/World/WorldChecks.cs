using System.Collections.Immutable;
using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>Where the checks of the world write down what they find. They watch the world, never the engine's own words.</summary>
internal sealed class WorldChecks(SimulatedWorld world)
{
    private readonly List<Violation> _violations = [];
    private readonly List<Violation> _excused = [];

    public IReadOnlyList<Violation> Violations => _violations;

    public IReadOnlyList<Violation> Excused => _excused;

    public void Break(string rule, string what, params ImmutableArray<string> evidence)
    {
        var violation = new Violation(world.Now, rule, what, evidence);
        _violations.Add(violation);
        world.Note($"VIOLATION {rule}: {what}");
    }

    /// <summary>As <see cref="Break"/>, but a power device of one of these hosts lied, and it follows from that alone.</summary>
    public void BreakUnlessLied(IEnumerable<WorldHost> hosts, string rule, string what, params ImmutableArray<string> evidence)
    {
        if (hosts.FirstOrDefault(h => h.Power.HasLied) is not { } liar)
        {
            Break(rule, what, evidence);
            return;
        }

        _excused.Add(new Violation(world.Now, rule, what, evidence));
        world.Note($"excused {rule}: {what}; the power device of {liar.Name} had said that it was off");
    }

    public string Line(GuestLife life) =>
        $"{world.NameOf(life.Vm)} lease {life.Lease} on host-{life.Host} ({life.BootId}) from {life.FromMs} ms"
        + (life.ToMs is { } to ? $" to {to} ms: {life.End}" : ", runs")
        + (life.CameFrom is { } from ? $", came from host-{from}" : "");
}
