namespace Orchestrator.Tests.Cluster.Checkers;

/// <summary>One copy of a guest on one host, from its first instruction to its last, as the hypervisor itself saw it. A
/// migration's incoming side begins when it takes over, not when it waits.</summary>
/// <param name="FromMs">On the fleet's own clock.</param>
/// <param name="ToMs">Null while it runs.</param>
public sealed record GuestLife(Guid Vm, string Host, long Lease, long FromMs, long? ToMs);

/// <summary>
/// Promise 1, seen from the hypervisors: at each instant at most one copy of a guest runs, and no copy starts under a
/// lease that is not higher than all before it.
/// </summary>
public static class GuestChecker
{
    /// <param name="lives">In the order in which they began.</param>
    public static IReadOnlyList<Violation> Check(IEnumerable<GuestLife> lives)
    {
        var violations = new List<Violation>();
        foreach (var guest in lives.GroupBy(l => l.Vm))
        {
            var before = new List<GuestLife>();
            foreach (var life in guest)
            {
                foreach (var other in before.Where(b => b.ToMs is null || b.ToMs > life.FromMs))
                {
                    violations.Add(new Violation("a guest never runs twice",
                        $"vm {life.Vm} began on host {life.Host} under lease {life.Lease} at {life.FromMs} ms while host "
                        + $"{other.Host} ran it under lease {other.Lease} ({other.FromMs} to {other.ToMs} ms)"));
                }

                if (before.Count > 0 && life.Lease <= before.Max(b => b.Lease))
                {
                    violations.Add(new Violation("leases rise",
                        $"vm {life.Vm} began on host {life.Host} under lease {life.Lease} after lease "
                        + $"{before.Max(b => b.Lease)}"));
                }

                before.Add(life);
            }
        }

        return violations;
    }

    /// <summary>Where copies run at the end.</summary>
    public static IReadOnlyDictionary<Guid, string> RunningAtTheEnd(IEnumerable<GuestLife> lives) =>
        lives.Where(l => l.ToMs is null).GroupBy(l => l.Vm).ToDictionary(g => g.Key, g => g.Last().Host);
}
