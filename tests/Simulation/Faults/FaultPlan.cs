using Orchestrator.Tests.Simulation.Installation;
using Orchestrator.Tests.Simulation.Machine;
using Orchestrator.Tests.Simulation.World;

namespace Orchestrator.Tests.Simulation.Faults;

/// <summary>
/// What goes wrong and when, all by chance from the seed. Faults come in storms: several at a time, each mending itself
/// after a while; then everything is mended at once, clients rest, and all must settle before the next storm.
/// </summary>
public sealed class FaultPlan
{
    private readonly Simulation _simulation;
    private readonly Random _chance;
    private readonly (string Name, double Weight, Action Inject)[] _kinds;
    private readonly SortedDictionary<string, int> _injected = new(StringComparer.Ordinal);
    private int _storm;

    public FaultPlan(Simulation simulation, Random chance)
    {
        (_simulation, _chance) = (simulation, chance);
        var nodes = new NodeFaults(simulation, chance);
        var world = new HostFaultKinds(simulation, chance);
        _kinds = [.. nodes.Kinds.Concat(world.Kinds).Where(
            k => simulation.Options.Faults.Count == 0 || simulation.Options.Faults.Contains(k.Name))];
        Nodes = nodes;
    }

    public NodeFaults Nodes { get; }

    public IReadOnlyDictionary<string, int> Injected => _injected;

    public static IReadOnlyList<string> AllKinds(Simulation simulation) => [.. simulation.Plan._kinds.Select(k => k.Name)];

    public void Begin() => _simulation.After(TimeSpan.FromSeconds(1), () =>
    {
        if (!_simulation.Clients.Work.IsReady) Begin();
        else _simulation.Settled.Await(Storm);
    });

    private void Storm()
    {
        _storm++;
        _simulation.Clients.Work.Rests = false;
        _simulation.Timeline.Note($"--- storm {_storm} ---");
        var length = _simulation.Options.Storm * (0.5 + _chance.NextDouble());
        var until = _simulation.Thread.Ticks + length.Ticks;
        // Some storms are calm and some are wild; some are of one kind only.
        var pace = _simulation.Options.FaultEvery * (0.4 + (1.6 * _chance.NextDouble()));
        var only = _chance.NextDouble() < 0.15 ? Choose().Name : null;
        Next(until, pace, only);
    }

    private void Next(long until, TimeSpan pace, string? only) => _simulation.After(
        pace * (2 * _chance.NextDouble()),
        () =>
        {
            if (_simulation.Thread.Ticks >= until)
            {
                Calm();
                return;
            }

            var kind = only is null ? Choose() : _kinds.First(k => k.Name == only);
            _injected[kind.Name] = _injected.GetValueOrDefault(kind.Name) + 1;
            kind.Inject();
            Next(until, pace, only);
        });

    private void Calm()
    {
        _simulation.Timeline.Note("--- the last fault is over ---");
        _simulation.Clients.Work.Rests = true;
        Nodes.HealAll();
        _simulation.World.Faults.HealAll();
        _simulation.Settled.Await(Storm);
    }

    private (string Name, double Weight, Action Inject) Choose()
    {
        var dice = _chance.NextDouble() * _kinds.Sum(k => k.Weight);
        foreach (var kind in _kinds)
            if ((dice -= kind.Weight) <= 0) return kind;
        return _kinds[^1];
    }
}
