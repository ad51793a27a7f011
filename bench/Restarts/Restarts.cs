using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Restarts;

/// <summary>A restart as the fleet saw it.</summary>
/// <param name="After">Seconds from the loss of power until the guest's process ran.</param>
internal sealed record Restart(string Host, double After);

/// <summary>What became of the guests of a dead host, read from the hosts themselves and not from the engine.</summary>
internal static class Restarts
{
    /// <summary>As RestartQueue.LaunchesAtOnce, per host.</summary>
    public const int AtOnce = 16;

    /// <summary>Waits until each of them runs again.</summary>
    /// <param name="cut">When the power was lost, in the fleet's milliseconds.</param>
    public static async Task<IReadOnlyDictionary<string, Restart>> Until(FleetProcess fleet, IEnumerable<string> vms, long cut)
    {
        var wanted = vms.Select(Guid.Parse).ToHashSet();
        Dictionary<string, Restart> found = [];
        await Wait.Until(async () =>
        {
            found = (await fleet.History()).Lives
                .Where(l => l.FromMs >= cut && wanted.Contains(l.Vm))
                .GroupBy(l => l.Vm)
                .ToDictionary(l => l.Key.ToString(), l => new Restart(l.First().Host, (l.First().FromMs - cut) / 1000.0));
            return found.Count == wanted.Count;
        }, TimeSpan.FromMinutes(2), $"{wanted.Count} VMs run again", () => $"{found.Count} do");
        return found;
    }

    /// <summary>How many VMs of lower priority came before the one that was passed by most.</summary>
    public static int WorstOvertaking(IReadOnlyDictionary<string, Restart> lives, IReadOnlyDictionary<string, int> priorities) =>
        lives.Max(one => lives.Count(other => priorities[other.Key] < priorities[one.Key] && other.Value.After < one.Value.After));
}
