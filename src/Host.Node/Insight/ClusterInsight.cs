using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;
using Orchestrator.Api;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node.Insight;

/// <summary>Puts together what all nodes know: each asks the others itself, so any node answers for all.</summary>
internal sealed class ClusterInsight(
    NodeMembership membership, NodeQuestions questions, EntityInsight entities, string name, TimeProvider clock) : IInsight
{
    public async Task<string?> Entity(string kind, string idOrName, CancellationToken cancel) =>
        await entities.Explain(kind, idOrName, cancel) is { } view ? WireJson.Write(view) : null;

    public async Task<string> Nodes(CancellationToken cancel)
    {
        var view = membership.View;
        var owned = view.Shards.Values.ToLookup(s => s.Owner);
        var reports = await Task.WhenAll(view.Members.Select(m =>
            questions.Ask<NodeReport>(m.Node, new AskNode("report", 0), cancel)));
        return WireJson.Write(new NodesView(name, view.Version, [.. view.Members.Select((m, i) => Show(m, reports[i],
            owned[m.Node.Id].GroupBy(s => s.Key.Type).ToImmutableSortedDictionary(g => g.Key, g => g.Count())))]));
    }

    public Task<string> Shards(CancellationToken cancel)
    {
        var view = membership.View;
        string? Address(NodeId? id) =>
            view.Members.FirstOrDefault(m => m.Node.Id == id)?.Node is { } n ? $"{n.Host}:{n.Port}" : null;
        var shards = view.Shards.Values
            .OrderBy(s => s.Key.Type, StringComparer.Ordinal).ThenBy(s => Number(s.Key.Shard)).ThenBy(s => s.Key.Shard)
            .Select(s => new ShardView(
                s.Key.Type, s.Key.Shard, s.Owner?.ToString(), Address(s.Owner), s.Epoch, Address(s.Next),
                s.Owner is { } owner && owner == membership.Self))
            .ToImmutableArray();
        return Task.FromResult(WireJson.Write(new ShardsView(view.Version, shards, Troubles(shards))));
    }

    public async Task<string> Stuck(TimeSpan atLeast, CancellationToken cancel)
    {
        var view = membership.View;
        var ask = new AskNode("stuck", (long)atLeast.TotalSeconds);
        var told = await Task.WhenAll(view.Members.Select(m => questions.Ask<StuckHere>(m.Node, ask, cancel)));
        var silent = view.Members.Where((_, i) => told[i] is null).Select(m => $"{m.Node.Host}:{m.Node.Port}").ToImmutableArray();
        var entities = view.Members.Zip(told).SelectMany(n => n.Second is { } here
                ? here.Entities.Select(e => Show(e, $"{n.First.Node.Host}:{n.First.Node.Port}", here.Now))
                : [])
            .OrderBy(e => e.Since).ToImmutableArray();
        var sentences = entities.Select(e => e.Sentence)
            .Concat(silent.Select(s => $"The node at {s} did not say what is stuck on it: it is frozen, cut off, or of a "
                + "version that does not know this question."))
            .Concat(Broken(view)).ToImmutableArray();
        return WireJson.Write(new StuckView(atLeast.TotalSeconds, entities, silent, sentences));
    }

    private NodeView Show(NodeRow row, NodeReport? report, ImmutableSortedDictionary<string, int> shards) => new()
    {
        Id = row.Node.Id.ToString(),
        Address = $"{row.Node.Host}:{row.Node.Port}",
        Status = row.Status == NodeStatus.Up ? "up" : "leaving",
        Version = row.Node.AppVersion.Split('+')[0],
        Roles = row.Node.Roles,
        JoinedAt = row.JoinedAt,
        Shards = shards,
        Report = report,
        Sentence = Say(row, report, shards.Values.Sum()),
    };

    private string Say(NodeRow row, NodeReport? report, int shards)
    {
        var what = $"{report?.Name ?? "The node"} at {row.Node.Host}:{row.Node.Port}, version "
            + $"{report?.Version ?? row.Node.AppVersion.Split('+')[0]}, owns {shards} shards";
        if (report is null)
            return $"{what}, and did not answer within {NodeQuestions.Limit.TotalMilliseconds:0} ms: it is frozen, cut off, "
                + "or of a version that does not know this question.";
        var database = report.Database.Role switch
        {
            "primary" => $"its database {report.Database.Server} is the primary",
            "standby" => $"its database {report.Database.Server} is a STANDBY, nothing can be written",
            _ => $"its database does NOT ANSWER ({report.Database.Why})",
        };
        return $"{what} and {report.Resident.Values.Sum()} entities in memory, up for "
            + $"{Durations.Say(clock.GetUtcNow() - report.StartedAt)}; "
            + $"{(row.Status == NodeStatus.Leaving ? "it is LEAVING; " : "")}"
            + $"{(report.MayAct ? "it may act" : "it may NOT act: it is not sure of its lease")}; {database}"
            + $"{(report.WritesWaiting > 0 ? $"; {report.WritesWaiting} writes wait for it" : "")}.";
    }

    private static StuckEntity Show(Owing e, string node, DateTimeOffset now) => new(
        e.Kind, e.Id, e.Name, e.Phase, node, e.Since, Math.Round((now - e.Since).TotalSeconds, 1), [.. e.Debts], e.LastHeard,
        $"{e.Kind} {(e.Name.Length > 0 ? e.Name : e.Id)} ({e.Phase}, on {node}) has been waiting for "
        + $"{string.Join(" and ", e.Debts.Select(d => d.What))} for {Durations.Say(now - e.Since)}"
        + $"{(e.LastHeard is { } heard ? $"; last answer, {Durations.Say(now - heard.At)} ago: {heard.What}" : "")}.");

    private static ImmutableArray<string> Troubles(ImmutableArray<ShardView> shards) =>
    [
        .. shards.Where(s => s.Owner is null).GroupBy(s => s.Kind).Select(g =>
            $"{g.Count()} shards of {g.Key} have no owner: requests for their entities wait."),
        .. shards.Where(s => s.Owner is not null && s.OwnerAddress is null).GroupBy(s => s.Kind).Select(g =>
            $"{g.Count()} shards of {g.Key} belong to a node that is no member: they are given away in a moment."),
        .. shards.Where(s => s.Next is not null).GroupBy(s => s.Kind).Select(g =>
            $"{g.Count()} shards of {g.Key} are moving: requests for their entities wait until they are there."),
    ];

    private IEnumerable<string> Broken(ClusterView view)
    {
        if (membership.Self is null) yield return "This node is no member of the cluster: what it says is what it knew last.";
        var orphans = view.Shards.Values.Count(s => s.Owner is not { } owner || view.Members.All(m => m.Node.Id != owner));
        if (orphans > 0) yield return $"{orphans} shards have no living owner: requests for their entities wait.";
    }

    private static int Number(string shard) => int.TryParse(shard, CultureInfo.InvariantCulture, out var n) ? n : int.MaxValue;
}
