using System.Collections.Immutable;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>Rule: no VM is refused a place because a host "is not up" that was up all the time. What happens to engine
/// nodes is no matter of the hosts.</summary>
public sealed class PlacementChecker : Checker
{
    /// <summary>A cluster may hear of a host's return late when nodes cannot reach each other.</summary>
    private static readonly TimeSpan _allTheTime = TimeSpan.FromMinutes(1);

    private const string NotUp = ": is not up";

    private readonly Dictionary<Guid, TimeSpan> _upSince = [];

    public PlacementChecker(Simulation simulation) : base(simulation)
    {
        simulation.Replicas.Wrote += OnWrote;
        simulation.Database.Restored += _upSince.Clear;
    }

    private void OnWrote(Replica replica, object fact)
    {
        switch (replica.State, fact)
        {
            case (HostState.Up, _):
                _upSince.TryAdd(replica.Id, Simulation.Thread.Elapsed);
                break;
            case (HostState, _):
                _upSince.Remove(replica.Id);
                break;
            case (_, VmEvent.PlacementFailed e):
                Judge(replica, e.Reasons);
                break;
            case (_, VmEvent.MigrationAbandoned e):
                Judge(replica, [.. e.Reason.Split("; ")]);
                break;
        }
    }

    private void Judge(Replica vm, ImmutableArray<string> reasons)
    {
        foreach (var host in Simulation.Replicas.Of(Kinds.Host))
        {
            if (host.State is not HostState.Up { Core.Config: { } config }) continue;
            if (!_upSince.TryGetValue(host.Id, out var since)) continue;
            var up = Simulation.Thread.Elapsed - since;
            if (up > _allTheTime && reasons.Contains(config.Name + NotUp))
            {
                Simulation.Violated(
                    "placement", $"VM {vm.Id} was refused a place because {config.Name} is not up, which is up for "
                    + $"{up.TotalSeconds:F0} s");
            }
        }
    }
}
