using System.Collections.Immutable;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Host.Node.Insight;

/// <summary>All that is known of one entity, from wherever it is known.</summary>
internal sealed record EntityView
{
    public required string Kind { get; init; }

    public required Guid Id { get; init; }

    public string Name { get; init; } = "";

    public required string Shard { get; init; }

    /// <summary>Null while nobody owns the shard, or it is not known yet.</summary>
    public OwnerView? Owner { get; init; }

    /// <summary>Who is to have the shard next; null: it stays.</summary>
    public string? MovesTo { get; init; }

    /// <summary>What the entity said of itself; null when it did not answer in time, and then <see cref="Silence"/> says
    /// why that may be.</summary>
    public Explanation? Self { get; init; }

    public string? Silence { get; init; }

    /// <summary>Whom its debts wait for, and what those say.</summary>
    public ImmutableArray<AskedView> Asked { get; init; } = [];

    /// <summary>Its document in the read model: version, status, lease.</summary>
    public DocumentView? Document { get; init; }

    /// <summary>Jobs that it has begun and not ended.</summary>
    public ImmutableArray<JobRow> Jobs { get; init; } = [];

    /// <summary>Its last events, newest first.</summary>
    public ImmutableArray<EventRow> Events { get; init; } = [];

    /// <summary>What of this could not be read, and why.</summary>
    public ImmutableArray<string> Missing { get; init; } = [];

    /// <summary>The answer in words.</summary>
    public ImmutableArray<string> Sentences { get; init; } = [];
}

internal sealed record OwnerView(string Node, string? Name, string Address, long Epoch, string Version, bool IsAskedNode);

internal sealed record AskedView(string Kind, Guid Id, string Name, Explanation? Self, string? Silence);

internal sealed record DocumentView(long Version, string Status, long? Lease);

internal sealed record JobRow(Guid Id, string Description, DateTimeOffset StartedAt, string User, string? Correlation);

internal sealed record EventRow(long Sequence, string Name, DateTimeOffset At);
