using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>A guest goes on from a memory only if it has not run since that was saved: its disks have moved on.</summary>
internal sealed class MemoryChecks(SimulatedWorld world, WorldChecks checks)
{
    public const string Rule = "old-memory";
    private readonly Dictionary<Guid, GuestLife> _last = [];

    public void Told(GuestLife life)
    {
        if (life.ToMs is not null) return;
        if (life.WentOnFrom is { } from && _last.TryGetValue(life.Vm, out var last) && last.Lease != from)
            checks.Break(
                Rule, $"{world.NameOf(life.Vm)} went on from its memory of lease {from} although it had run since",
                checks.Line(last), checks.Line(life));
        _last[life.Vm] = life;
    }
}
