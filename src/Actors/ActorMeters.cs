using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Orchestrator.Actors.Watching;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors;

/// <summary>What became of a command.</summary>
public enum CommandResult { Accepted, AlreadyDone, Relayed, Refused }

/// <summary>What is counted of entities and of the hosts behind them, of this process.</summary>
public static class ActorMeters
{
    public const string Name = "Orchestrator.Entities";

    private static readonly Meter _meter = new(Name, typeof(ActorMeters).Assembly.GetName().Version?.ToString(3));
    private static readonly ConcurrentDictionary<string, KindMeters> _kinds = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<DebtBook, TimeProvider> _books = new();
    private static readonly ConcurrentDictionary<(string Order, string Outcome), StrongCount> _orders = new();
    private static readonly ConcurrentDictionary<(string Action, string Outcome), StrongCount> _fences = new();
    private static readonly StrongCount[] _links = [.. Enum.GetValues<AgentLink>().Select(_ => new StrongCount())];
    private static readonly StrongCount _relayed = new();
    private static readonly StrongCount _refusedAsOld = new();

    static ActorMeters()
    {
        _meter.CreateObservableUpDownCounter("orchestrator.entity.resident", () => _kinds.Select(k =>
            new Measurement<long>(k.Value.Resident, Tag("kind", k.Key))), "{entity}", "Entities in memory.");
        _meter.CreateObservableCounter("orchestrator.entity.commands", () => _kinds.SelectMany(k => k.Value.Results.Select(
            r => new Measurement<long>(r.Count, Tag("kind", k.Key), Tag("outcome", Snake(r.Result.ToString()))))),
            "{command}", "Commands to entities by what became of them.");
        _meter.CreateObservableCounter("orchestrator.entity.refusals", () => _kinds.SelectMany(k => k.Value.Faults.Select(
            f => new Measurement<long>(f.Count, Tag("kind", k.Key), Tag("fault", Snake(f.Fault.ToString()))))),
            "{command}", "Commands that entities refused, by the reason.");
        _meter.CreateObservableGauge("orchestrator.debt.entities", () => Owing().GroupBy(o => o.Owing.Kind).Select(g =>
            new Measurement<long>(g.LongCount(), Tag("kind", g.Key))), "{entity}",
            "Entities that wait for something that the world owes them.");
        _meter.CreateObservableGauge("orchestrator.debt.age.max", () => Owing().GroupBy(o => o.Owing.Kind).Select(g =>
            new Measurement<double>(g.Max(o => o.Age.TotalSeconds), Tag("kind", g.Key))), "s",
            "How long the longest of them waits.");
        _meter.CreateObservableGauge("orchestrator.agent.links", () => Enum.GetValues<AgentLink>().Select(l =>
            new Measurement<long>(_links[(int)l].Count, Tag("state", Snake(l.ToString())))), "{host}",
            "Hosts whose agents this node follows, by whether they are heard.");
        _meter.CreateObservableGauge("orchestrator.agent.relayed", () => _relayed.Count, "{host}",
            "Hosts that this node reaches by way of another node only.");
        _meter.CreateObservableCounter("orchestrator.host.orders", () => Pairs(_orders, "order"), "{order}",
            "Orders to agents by what became of them.");
        _meter.CreateObservableCounter("orchestrator.host.orders.refused_as_old", () => _refusedAsOld.Count, "{order}",
            "Orders that an agent refused because their epoch or lease is over: a former owner still spoke.");
        _meter.CreateObservableCounter("orchestrator.host.fences", () => Pairs(_fences, "action"), "{action}",
            "Power actions against hosts by what became of them.");
    }

    public static KindMeters Of(string kind) => _kinds.GetOrAdd(kind, _ => new KindMeters());

    /// <summary>Entities in memory of this process, by kind.</summary>
    public static IEnumerable<(string Kind, long Count)> Residents() => _kinds.Select(k => (k.Key, k.Value.Resident));

    /// <summary>Debts of this book are shown until it is taken away.</summary>
    public static void Show(DebtBook book, TimeProvider clock) => _books[book] = clock;

    public static void Hide(DebtBook book) => _books.TryRemove(book, out _);

    /// <param name="order">launch, stop, incoming, migrate, cancel, image_job.</param>
    /// <param name="outcome">accepted, unknown, or the agent's refusal code.</param>
    public static void Ordered(string order, string outcome)
    {
        _orders.GetOrAdd((order, outcome), _ => new StrongCount()).Add(1);
        if (outcome is RefusalCode.StaleEpoch or RefusalCode.StaleLease) _refusedAsOld.Add(1);
    }

    public static void Fenced(string action, string outcome) =>
        _fences.GetOrAdd((action, outcome), _ => new StrongCount()).Add(1);

    internal static void Linked(AgentLink? before, AgentLink? now)
    {
        if (before is { } old) _links[(int)old].Add(-1);
        if (now is { } link) _links[(int)link].Add(1);
    }

    internal static void Relayed(int more) => _relayed.Add(more);

    private static IEnumerable<(Owing Owing, TimeSpan Age)> Owing() => _books.SelectMany(b =>
    {
        var now = b.Value.GetUtcNow();
        return b.Key.Since(DateTimeOffset.MaxValue).Select(o => (o, now - o.Since));
    });

    private static IEnumerable<Measurement<long>> Pairs(
        ConcurrentDictionary<(string What, string Outcome), StrongCount> counts, string what) =>
        counts.Select(c => new Measurement<long>(c.Value.Count, Tag(what, c.Key.What), Tag("outcome", c.Key.Outcome)));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private static string Snake(string name) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
}

/// <summary>Whether an agent is heard.</summary>
internal enum AgentLink { Connecting, Reached, Silent }

/// <summary>A number that several threads change.</summary>
internal sealed class StrongCount
{
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public void Add(long number) => Interlocked.Add(ref _count, number);
}

/// <summary>The counts of one kind of entity.</summary>
public sealed class KindMeters
{
    private readonly long[] _results = new long[Enum.GetValues<CommandResult>().Length];
    private readonly long[] _faults = new long[Enum.GetValues<Fault>().Length];
    private long _resident;

    internal long Resident => Volatile.Read(ref _resident);

    internal IEnumerable<(CommandResult Result, long Count)> Results =>
        _results.Select((_, i) => ((CommandResult)i, Volatile.Read(ref _results[i])));

    /// <summary>Only what happened: most faults never do.</summary>
    internal IEnumerable<(Fault Fault, long Count)> Faults =>
        _faults.Select((_, i) => ((Fault)i, Volatile.Read(ref _faults[i]))).Where(f => f.Item2 > 0);

    internal void Came() => Interlocked.Increment(ref _resident);

    internal void Went() => Interlocked.Decrement(ref _resident);

    internal void Decided(CommandResult result) => Interlocked.Increment(ref _results[(int)result]);

    internal void Refused(Fault fault) => Interlocked.Increment(ref _faults[(int)fault]);
}
