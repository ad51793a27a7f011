using System.Collections.Immutable;
using Akka.Actor;

namespace Orchestrator.Actors.Watching;

/// <summary>Asks any entity what it is, what it owes and what it heard; changes nothing, wakes nobody, and does not keep
/// the entity in memory. Answered with <see cref="Reply.Explained"/>, also when its journal cannot be read.</summary>
public sealed record Inspect : INotInfluenceReceiveTimeout
#if !AKKA_PACKAGES
    , Engine.IWakesNobody
#endif
{
    public object WhenAsleep(long epoch) =>
        new Reply.Explained(Journal.WireJson.Write(new Explanation { IsResident = false, Epoch = epoch }));
}

/// <summary>What an entity tells of itself. Travels as JSON: fields may be added, never renamed.</summary>
public sealed record Explanation
{
    /// <summary>False: it is not in memory, so it owes nothing and waits for nothing.</summary>
    public required bool IsResident { get; init; }

    /// <summary>The owner's epoch of its shard.</summary>
    public long Epoch { get; init; }

    public DateTimeOffset? ResidentSince { get; init; }

    public string Phase { get; init; } = "";

    /// <summary>Number of its last journaled event.</summary>
    public long Sequence { get; init; }

    public ImmutableArray<KeyValuePair<string, string>> Summary { get; init; } = [];

    /// <summary>The stored event that this version cannot read, and why; null when all could be read.</summary>
    public string? Unreadable { get; init; }

    public ImmutableArray<DebtView> Debts { get; init; } = [];

    /// <summary>The last things it was told while it owed something or that it refused; newest last.</summary>
    public ImmutableArray<Remark> Heard { get; init; } = [];

    /// <summary>What went wrong lately while its wishes were carried out; newest last.</summary>
    public ImmutableArray<Remark> Troubles { get; init; } = [];

    /// <summary>traceparent of the request whose work is under way; null when none is, or nobody traced it.</summary>
    public string? Trace { get; init; }
}

/// <param name="What">Completes "it waits for …".</param>
/// <param name="IsStanding">Owed all the time: nothing is stuck because of it.</param>
/// <param name="Since">On the owner's clock. After a move or a crash: the time of the last journaled event.</param>
/// <param name="Said">How often it was said since the entity is in memory.</param>
public sealed record DebtView(
    string Name, string What, bool IsStanding, DateTimeOffset Since, int Said, DateTimeOffset? LastSaid, Party? Asks,
    string? Remedy);

public sealed record Remark(DateTimeOffset At, string What);
