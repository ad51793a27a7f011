using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// At most one copy of a guest exists at any moment, by the hypervisors' truth. A paused copy counts, also on a host that
/// nobody reaches. The stopped process at the end of a migration does not, until the moment when it is the guest.
/// </summary>
internal sealed class CopyChecks(SimulatedWorld world, WorldChecks checks)
{
    public const string Rule = "one-copy";
    private readonly Dictionary<Guid, List<GuestLife>> _running = [];

    public void Told(GuestLife life)
    {
        if (!_running.TryGetValue(life.Vm, out var running)) _running[life.Vm] = running = [];
        if (life.ToMs is not null)
        {
            running.RemoveAll(r => r.Host == life.Host && r.Lease == life.Lease);
            return;
        }

        running.Add(life);
        if (running.Count > 1)
            checks.BreakUnlessLied(
                running[..^1].Select(world.HostOf), Rule,
                $"{world.NameOf(life.Vm)} runs {running.Count} times",
                [.. running.Select(checks.Line)]);
    }
}
