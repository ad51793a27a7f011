using System.Globalization;
using Akka.Actor;
using Orchestrator.Api;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node;

/// <summary>Where entities live, read off the membership's present view.</summary>
internal sealed class Owners(ActorSystem system) : IOwners
{
    private readonly NodeMembership _membership = NodeMembership.Of(system);
    private readonly ShardDirectory _directory = ShardDirectory.Get(system);

    public Task<Owner?> Find(string kind, Guid id, CancellationToken cancel) =>
        Task.FromResult(_directory.Find(kind, id.ToString()) is { Owner: { } node } home
            ? new Owner(Name(node), $"{node.Host}:{node.Port}", home.Epoch, Pid(node))
            : null);

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
