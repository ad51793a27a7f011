using System.Collections.Concurrent;
using System.Reflection;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Persistence;
using Orchestrator.Actors;
using Orchestrator.Engine;
using Orchestrator.Tests.Simulation.Machine;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>Rule: an entity in memory is what its journal makes of it, read again from the stored bytes.</summary>
public sealed class ReplayChecker(Simulation simulation, Random chance) : Checker(simulation)
{
    private static readonly ConcurrentDictionary<Type, FieldInfo?> _states = new();
    private readonly EntityShards _shards = new(30);
    private List<string> _ids = [];

    public long Compared { get; private set; }

    public override void OnSecond()
    {
        if (_ids.Count != Simulation.Replicas.All.Count) _ids = [.. Simulation.Replicas.All.Keys];
        if (_ids.Count > 0) Compare(_ids[chance.Next(_ids.Count)]);
    }

    public override void OnEnd()
    {
        foreach (var id in Simulation.Replicas.All.Keys) Compare(id);
    }

    private void Compare(string id)
    {
        foreach (var node in Simulation.Nodes)
        {
            if (node.Process is not { State: ProcessState.Running } || node.System is not { } system) continue;
            if (Live(system, id) is not { IsRecoveryFinished: true } actor) continue;
            var replica = Replica.Of(id);
            foreach (var row in Simulation.Database.Engine.Replay(id, 1))
            {
                if (row.SequenceNr > actor.LastSequenceNr) break;
                replica.Apply(row.SequenceNr, row.Manifest, row.Payload);
            }

            if (replica.Version != actor.LastSequenceNr || StateOf(actor) is not { } state) continue;
            Compared++;
            if (Replica.Describe(state) is var live && live != replica.Text)
            {
                Simulation.Violated(
                    "replay", $"{id} on {node.Name} at event {actor.LastSequenceNr} is not what its journal says."
                    + $"\n    in memory   {live}\n    by replay   {replica.Text}");
            }
        }
    }

    private Eventsourced? Live(LocalSystem system, string id)
    {
        var dash = id.IndexOf('-', StringComparison.Ordinal);
        var (kind, entity) = (id[..dash], id[(dash + 1)..]);
        var path = $"/system/sharding-{kind}/{_shards.ShardId(entity)}/{entity}";
        var found = system.ResolveActorRef(path) as LocalActorRef;
        return found?.Cell.Life.Actor as Eventsourced;
    }

    private static object? StateOf(Eventsourced actor) => _states
        .GetOrAdd(actor.GetType(), static t => t.GetField("_state", BindingFlags.NonPublic | BindingFlags.Instance))
        ?.GetValue(actor);
}
