using Orchestrator.Actors.Host;
using Orchestrator.Actors.Vm;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>
/// Follows the journal as it is written. Rules: only the owner under the shard's present epoch writes; numbers have no
/// gap; a VM's lease and a host's life never fall.
/// </summary>
public sealed class Replicas : Checker
{
    private readonly Dictionary<string, Replica> _all = new(StringComparer.Ordinal);
    private readonly HashSet<(string Entity, Guid Job)> _jobs = [];

    public Replicas(Simulation simulation) : base(simulation)
    {
        simulation.Database.Written += OnWritten;
        simulation.Database.Restored += OnRestored;
    }

    public IReadOnlyDictionary<string, Replica> All => _all;

    /// <summary>A fact was written; the replica has taken it in.</summary>
    public event Action<Replica, object>? Wrote;

    public IEnumerable<Replica> Of(string kind) => _all.Values.Where(r => r.Kind == kind);

    public bool Has(string entity, Guid job) => _jobs.Contains((entity, job));

    private void OnWritten(NodeId? writer, ClusterView view, JournalBatch batch)
    {
        var id = batch.PersistenceId;
        if (!_all.TryGetValue(id, out var replica)) _all[id] = replica = Replica.Of(id);
        if (batch.Events.IsEmpty || batch.Events[^1].SequenceNr <= replica.Version) return;

        if (batch.Fence is not { } fence) Simulation.Violated("owner", $"{id} was written by nobody's right");
        else if (!view.Shards.TryGetValue(fence.Shard, out var row) || row.Owner != writer || row.Epoch != fence.Epoch)
        {
            Simulation.Violated(
                "owner", $"{id} was written by node {writer} under epoch {fence.Epoch}, while shard {fence.Shard.Shard} "
                + $"belongs to node {row?.Owner} under epoch {row?.Epoch}");
        }

        foreach (var stored in batch.Events)
        {
            if (stored.SequenceNr != replica.Version + 1)
            {
                Simulation.Violated(
                    "journal", $"{id}: event {stored.SequenceNr} follows on event {replica.Version}");
            }

            var before = replica.State;
            var fact = replica.Apply(stored.SequenceNr, stored.Manifest, stored.Payload);
            if (Jobs.Of(fact) is { } job) _jobs.Add((id, job));
            Compare(id, before, replica.State);
            Wrote?.Invoke(replica, fact);
        }
    }

    private void OnRestored()
    {
        _all.Clear();
        foreach (var row in Simulation.Database.Engine.Journal)
        {
            if (!_all.TryGetValue(row.PersistenceId, out var replica)) _all[row.PersistenceId] = replica = Replica.Of(row.PersistenceId);
            replica.Apply(row.SequenceNr, row.Manifest, row.Payload);
        }
    }

    private void Compare(string id, object before, object after)
    {
        if (before is VmState vm && after is VmState next && next.Core.Lease < vm.Core.Lease)
            Simulation.Violated("lease", $"{id}: the lease fell from {vm.Core.Lease} to {next.Core.Lease}");
        if (before is HostState host && after is HostState later && later.Core.Incarnation < host.Core.Incarnation)
        {
            Simulation.Violated(
                "lease", $"{id}: the host's life fell from {host.Core.Incarnation} to {later.Core.Incarnation}");
        }
    }
}
