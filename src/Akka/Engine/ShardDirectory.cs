using Akka.Actor;
using Akka.Cluster.Sharding;

namespace Orchestrator.Engine;

/// <summary>Who has an entity now: the node, the epoch of its ownership, and the node that is to have it next.</summary>
public sealed record EntityHome(ShardKey Shard, NodeDescription? Owner, long Epoch, NodeDescription? Next, bool IsHere);

/// <summary>Says where entities live, as far as this node's view of the cluster goes.</summary>
public sealed class ShardDirectory : IExtension
{
    private readonly ClusterSharding sharding;
    private readonly NodeMembership membership;
    private readonly Lock gate = new();
    private ClusterView seen;

    internal ShardDirectory(ActorSystem system)
    {
        sharding = ClusterSharding.Get(system);
        membership = NodeMembership.Of(system);
        seen = membership.View;
        membership.ViewChanged += OnView;
        EngineSystem.OnEvent<PathBroken>(system, OnPathBroken);
    }

    /// <summary>Raised for each shard that got another owner or epoch, with what it was before (null: nothing).</summary>
    public event Action<ShardRow?, ShardRow>? OwnerChanged;

    /// <summary>Raised for each shard whose owner may not have got, or not have answered, what was sent to it: the owner is
    /// gone, or the way to it is. A planned hand-over loses nothing and raises nothing.</summary>
    public event Action<ShardKey>? MayBeLost;

    public ClusterView View => membership.View;

    public static ShardDirectory Get(ActorSystem system) => new Provider().Get(system);

    /// <summary>Null when no region or proxy of that type was started here, or its shard is not known yet.</summary>
    public EntityHome? Find(string typeName, string entityId) =>
        sharding.Extractors.TryGetValue(typeName, out var extractor)
            ? Find(new ShardKey(typeName, extractor.ShardId(entityId)))
            : null;

    public EntityHome? Find(ShardKey shard)
    {
        var view = membership.View;
        if (!view.Shards.TryGetValue(shard, out var row)) return null;
        return new EntityHome(shard, Node(row.Owner), row.Epoch, Node(row.Next), row.Owner is { } o && o == membership.Self);

        NodeDescription? Node(NodeId? id) => view.Members.FirstOrDefault(m => m.Node.Id == id)?.Node;
    }

    private void OnView(ClusterView view)
    {
        ClusterView before;
        lock (gate)
        {
            before = seen;
            seen = view;
        }

        var living = view.Members.Select(m => m.Node.Id).ToHashSet();
        foreach (var (key, row) in view.Shards)
        {
            var old = before.Shards.GetValueOrDefault(key);
            if (old?.Owner == row.Owner && old?.Epoch == row.Epoch) continue;
            OwnerChanged?.Invoke(old, row);
            if (old?.Owner is { } former && !living.Contains(former)) MayBeLost?.Invoke(key);
        }
    }

    private void OnPathBroken(PathBroken path)
    {
        foreach (var (key, row) in membership.View.Shards)
            if (row.Owner == path.To) MayBeLost?.Invoke(key);
    }

    private sealed class Provider : ExtensionIdProvider<ShardDirectory>
    {
        public override ShardDirectory CreateExtension(ExtendedActorSystem system) => new(system);
    }
}
