using Orchestrator.Engine.Remote;

namespace Orchestrator.Engine;

/// <summary>Watches one system for <see cref="EngineMeters"/>: its view of the cluster, its journal, its links. Reads
/// only; nothing waits for it.</summary>
internal sealed class EngineObserver : IDisposable
{
    private readonly LocalSystem _system;
    private readonly NodeMembership _membership;
    private readonly IRemoteTransport _transport;
    private ClusterView _seen;

    public EngineObserver(LocalSystem system, NodeMembership membership, IRemoteTransport transport)
    {
        (_system, _membership, _transport, _seen) = (system, membership, transport, membership.View);
        membership.ViewChanged += OnView;
        membership.Isolated += OnIsolated;
        EngineMeters.Add(this);
        system.RegisterOnTermination(Dispose);
    }

    public int WritesWaiting => _system.Setup.Store is null ? 0 : GroupWriter.Of(_system).Waiting;

    public int Members => _membership.View.Members.Length;

    public bool MayAct => _membership.MayAct;

    public IEnumerable<(string Type, long Count)> ShardsOwned()
    {
        var view = _membership.View;
        return view.Shards.Values.GroupBy(s => s.Key.Type)
            .Select(g => (g.Key, g.LongCount(s => s.Owner is { } owner && owner == _membership.Self)));
    }

    /// <summary>"connected" or "broken", one for each outgoing link.</summary>
    public IEnumerable<string> Links() =>
        _transport is EngineTransport engine ? engine.LinkStates() : [];

    public void Dispose()
    {
        EngineMeters.Remove(this);
        _membership.ViewChanged -= OnView;
        _membership.Isolated -= OnIsolated;
    }

    private static void OnIsolated(string why) => EngineMeters.Isolated();

    private void OnView(ClusterView view)
    {
        var before = _seen;
        _seen = view;
        if (view.Self is not { Node.Id: var self }) return;
        foreach (var (key, row) in view.Shards)
        {
            if (row.Owner != self || before.Shards.GetValueOrDefault(key) is not { Owner: { } old } || old == self) continue;
            EngineMeters.ShardCame(fromTheLiving: view.Members.Any(m => m.Node.Id == old));
        }
    }
}
