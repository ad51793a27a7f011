using System.Collections.Immutable;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Host.Node.Insight;

/// <summary>What a node tells of itself. Travels as JSON between nodes of two versions: fields may be added, never
/// renamed.</summary>
internal sealed record NodeReport
{
    public required string Name { get; init; }

    public required string Version { get; init; }

    public required int Pid { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Whether it is sure of its lease at this moment.</summary>
    public required bool MayAct { get; init; }

    /// <summary>Entities in memory, by kind.</summary>
    public ImmutableSortedDictionary<string, long> Resident { get; init; } = ImmutableSortedDictionary<string, long>.Empty;

    /// <summary>Batches that were given to the journal and not answered yet.</summary>
    public int WritesWaiting { get; init; }

    /// <summary>Bytes.</summary>
    public long WorkingSet { get; init; }

    public required DatabaseReport Database { get; init; }

    /// <summary>REST of this node.</summary>
    public string Api { get; init; } = "";
}

/// <param name="Role">"primary", "standby" (nothing can be written), or "away".</param>
/// <param name="Milliseconds">Time of one question and answer.</param>
/// <param name="Why">Why it is away; else empty.</param>
internal sealed record DatabaseReport(string Role, string Server, string Version, double Milliseconds, string Why);

/// <summary>A node as the cluster knows it, with its own report when it gave one in time.</summary>
internal sealed record NodeView
{
    public required string Id { get; init; }

    public required string Address { get; init; }

    /// <summary>up or leaving.</summary>
    public required string Status { get; init; }

    public required string Version { get; init; }

    public ImmutableArray<string> Roles { get; init; } = [];

    public required DateTimeOffset JoinedAt { get; init; }

    /// <summary>Shards owned, by kind.</summary>
    public ImmutableSortedDictionary<string, int> Shards { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>Null when the node did not answer in time: it is frozen, cut off, or of a version that knows no such
    /// question.</summary>
    public NodeReport? Report { get; init; }

    /// <summary>The same as a sentence.</summary>
    public required string Sentence { get; init; }
}

internal sealed record NodesView(string AskedNode, long ViewVersion, ImmutableArray<NodeView> Nodes);

internal sealed record ShardView(
    string Kind, string Shard, string? Owner, string? OwnerAddress, long Epoch, string? Next, bool IsHere);

internal sealed record ShardsView(long ViewVersion, ImmutableArray<ShardView> Shards, ImmutableArray<string> Sentences);

internal sealed record StuckEntity(
    string Kind, Guid Id, string Name, string Phase, string Node, DateTimeOffset Since, double Seconds,
    ImmutableArray<DebtView> Debts, Remark? LastHeard, string Sentence);

/// <param name="Silent">Addresses of members that did not tell what is stuck on them.</param>
internal sealed record StuckView(
    double OlderThanSeconds, ImmutableArray<StuckEntity> Entities, ImmutableArray<string> Silent,
    ImmutableArray<string> Sentences);

/// <summary>Answer of one node to "stuck".</summary>
internal sealed record StuckHere(ImmutableArray<Owing> Entities, DateTimeOffset Now);
