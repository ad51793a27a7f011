using System.Globalization;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Orchestrator.Api;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node;

/// <summary>Where entities live, read off the membership's present view.</summary>
internal sealed class Owners(ActorSystem system, int shards) : IOwners
{
    private readonly NodeMembership _membership = NodeMembership.Of(system);
    private readonly HashCodeMessageExtractor _extractor = (HashCodeMessageExtractor)HashCodeMessageExtractor.Create(
        shards, m => (m as ShardingEnvelope)?.EntityId, m => m);

    public Task<Owner?> Find(string kind, Guid id, CancellationToken cancel)
    {
        var shard = _extractor.ShardId(new ShardingEnvelope(id.ToString(), id));
        var view = _membership.View;
        var row = shard is null ? null : view.Shards.GetValueOrDefault(new ShardKey(kind, shard));
        var node = row is null ? null : view.Members.FirstOrDefault(m => m.Node.Id == row.Owner)?.Node;
        return Task.FromResult(node is null ? null : new Owner(Name(node), $"{node.Host}:{node.Port}", row!.Epoch, Pid(node)));
    }

    public Task<IReadOnlyList<NodeSummary>> Nodes(CancellationToken cancel)
    {
        var view = _membership.View;
        var shards = view.Shards.Values.ToLookup(s => s.Owner);
        return Task.FromResult<IReadOnlyList<NodeSummary>>([.. view.Members.Select(m => new NodeSummary(
            Name(m.Node), $"{m.Node.Host}:{m.Node.Port}", m.Status == NodeStatus.Up ? "up" : "leaving", Pid(m.Node),
            shards[m.Node.Id].GroupBy(s => s.Key.Type).ToDictionary(g => g.Key, g => g.Count())))]);
    }

    private static string Name(NodeDescription node) => node.Id.ToString();

    /// <summary>The process id travels as build metadata of the version: 1.2.3+4711.</summary>
    private static int? Pid(NodeDescription node) =>
        node.AppVersion.Split('+') is [_, var pid]
        && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
