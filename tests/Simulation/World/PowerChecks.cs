namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// The engine cuts the power of a host only when it was silent for the limit, now or so lately that the order may still
/// have been under way, or when a client asked for it.
/// </summary>
internal sealed class PowerChecks(SimulatedWorld world, WorldChecks checks)
{
    public const string Rule = "power-reason";
    private readonly Dictionary<int, TimeSpan> _asked = [];

    public void ClientTurnsPower(WorldHost host) => _asked[host.Number] = world.Now;

    public void TurnedOff(WorldHost host, string by)
    {
        if (!host.Powered) return;
        var (now, lag) = (world.Now, world.Options.PowerOrderMayLag);
        if (host.LastHeard is not { } heard || now - heard >= world.Options.SilentAfter) return;
        if (host.SilenceEnded is { } ended && now - ended < lag) return;
        if (_asked.TryGetValue(host.Number, out var asked) && now - asked < lag) return;
        checks.Break(
            Rule, $"{by} cut the power of {host.Name}, which was heard {(now - heard).TotalMilliseconds:F0} ms before",
            $"its last silence ended at {host.SilenceEnded?.TotalSeconds:F3} s", $"{host.Guests.Length} guests ran on it");
    }
}
