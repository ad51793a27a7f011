using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// A guest that ran and was powered off by the engine had to go: a client asked for it, or something had happened to its
/// host since it began. Otherwise it is lost needlessly.
/// </summary>
internal sealed class LossChecks(SimulatedWorld world, WorldChecks checks)
{
    public const string Rule = "needless-loss";

    /// <summary>So soon after a fault on its host a guest may be ended for it, also if it began after the fault.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromMinutes(10);
    private readonly Dictionary<Guid, TimeSpan> _wishes = [];
    private readonly HashSet<Guid> _open = [];
    private readonly Dictionary<Guid, string> _orders = [];

    /// <summary>A client asks for the end of a guest. Until it is answered, that may end one that began later.</summary>
    public void ClientEnds(Guid vm) => _open.Add(vm);

    public void ClientIsAnswered(Guid vm)
    {
        _open.Remove(vm);
        _wishes[vm] = world.Now;
    }

    public void Answered(WorldHost host, Guid vm, long lease, object order, AgentAnswer answer, string node)
    {
        if (order is StopOrder stop && answer is AgentAnswer.Accepted)
            _orders[vm] = $"{stop.Mode} of lease {lease} ordered by {node} at {world.Now.TotalSeconds:F3} s on {host.Name}";
    }

    public void Told(GuestLife life)
    {
        if (life.ToMs is null || life.End != nameof(GuestExit.Destroyed)) return;
        var host = world.HostOf(life);
        var began = TimeSpan.FromMilliseconds(life.FromMs);
        if (_open.Contains(life.Vm)) return;
        if (_wishes.TryGetValue(life.Vm, out var wished) && wished >= began) return;
        if (host.LastFault is { } fault && (fault >= began || world.Now - fault < Aftermath)) return;
        if (!host.Guests.Any(g => g.Key.Vm == life.Vm) && world.Now - began < world.Options.Profile.BootTime) return;
        checks.Break(
            Rule, $"{world.NameOf(life.Vm)} was powered off though nobody asked for it and nothing had happened to {host.Name}",
            checks.Line(life), _orders.GetValueOrDefault(life.Vm) ?? "no order to stop it was accepted");
    }
}
