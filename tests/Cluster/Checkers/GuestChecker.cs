namespace Orchestrator.Tests.Cluster.Checkers;

public enum GuestFate { Started, Ended }

/// <summary>A copy of a guest began or ceased to run on a host. A migration's incoming side begins to run when it takes
/// over, not when it waits.</summary>
public sealed record GuestFact(string Host, Guid Vm, long Lease, GuestFate Fate, DateTimeOffset At);

/// <summary>
/// Promise 1, seen from the hypervisors: at each instant at most one copy of a guest runs, and no copy starts under a
/// lease that is not higher than all before it.
/// </summary>
public static class GuestChecker
{
    /// <param name="history">In the order in which it happened; equal times are told apart by this order.</param>
    public static IReadOnlyList<Violation> Check(IEnumerable<GuestFact> history)
    {
        var violations = new List<Violation>();
        var running = new Dictionary<Guid, Dictionary<string, long>>();
        var highest = new Dictionary<Guid, long>();
        foreach (var fact in history)
        {
            if (!running.TryGetValue(fact.Vm, out var copies)) running[fact.Vm] = copies = [];
            if (fact.Fate == GuestFate.Ended)
            {
                copies.Remove(fact.Host);
                continue;
            }

            if (copies.Count > 0)
            {
                violations.Add(new Violation("a guest never runs twice",
                    $"vm {fact.Vm} started on host {fact.Host} under lease {fact.Lease} at {fact.At:HH:mm:ss.fff} while "
                    + string.Join(", ", copies.Select(c => $"host {c.Key} ran it under lease {c.Value}"))));
            }

            if (highest.TryGetValue(fact.Vm, out var before) && fact.Lease <= before)
            {
                violations.Add(new Violation("leases rise",
                    $"vm {fact.Vm} started on host {fact.Host} under lease {fact.Lease} after lease {before}"));
            }

            copies[fact.Host] = fact.Lease;
            highest[fact.Vm] = Math.Max(before, fact.Lease);
        }

        return violations;
    }

    /// <summary>Where copies run at the end of a history.</summary>
    public static IReadOnlyDictionary<Guid, string> RunningAtTheEnd(IEnumerable<GuestFact> history)
    {
        var running = new Dictionary<Guid, string>();
        foreach (var fact in history)
        {
            if (fact.Fate == GuestFate.Started) running[fact.Vm] = fact.Host;
            else if (running.TryGetValue(fact.Vm, out var host) && host == fact.Host) running.Remove(fact.Vm);
        }

        return running;
    }
}
