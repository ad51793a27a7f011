using Orchestrator.Engine;
using Orchestrator.Tests.Simulation.Machine;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>Rules: a shard's epoch never falls, and rises with each owner; a node that is no member any more thinks so
/// itself before it does anything more.</summary>
public sealed class OwnershipChecker(Simulation simulation) : Checker(simulation)
{
    /// <summary>The word of a session's end takes a moment; a lease needs none.</summary>
    private static readonly TimeSpan _wordTakes = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<NodeId, long> _buried = [];
    private ClusterView _before = ClusterView.Empty;

    public override void OnView(ClusterView view)
    {
        foreach (var (key, row) in view.Shards)
        {
            if (!_before.Shards.TryGetValue(key, out var old) || ReferenceEquals(old, row)) continue;
            if (row.Epoch < old.Epoch || (row.Epoch == old.Epoch && row.Owner != old.Owner))
            {
                Simulation.Violated(
                    "epoch", $"shard {key.Type}/{key.Shard} went from node {old.Owner} under epoch {old.Epoch} to node "
                    + $"{row.Owner} under epoch {row.Epoch}");
            }
        }

        foreach (var row in _before.Members)
        {
            if (view.Members.Any(m => m.Node.Id == row.Node.Id)) continue;
            _buried[row.Node.Id] = Simulation.Thread.Ticks;
            Simulation.Timeline.Note($"database: {row.Node.Host} ({row.Node.Id}) is no member any more");
        }

        foreach (var row in view.Members)
            if (_before.Members.All(m => m.Node.Id != row.Node.Id))
                Simulation.Timeline.Note($"database: {row.Node.Host} ({row.Node.Id}) is a member now");
        _before = view;
        Look();
    }

    public override void OnSecond() => Look();

    private void Look()
    {
        foreach (var node in Simulation.Nodes)
        {
            if (node.Process is not { State: ProcessState.Running } || node.Membership is not { Self: { } self } membership
                || !_buried.TryGetValue(self, out var since)
                || Simulation.Thread.Ticks - since < _wordTakes.Ticks || !membership.MayAct) continue;
            Simulation.Violated(
                "may-act", $"{node.Name} ({self}) has been no member for "
                + $"{TimeSpan.FromTicks(Simulation.Thread.Ticks - since).TotalMilliseconds:F0} ms and thinks it may act");
        }
    }
}
