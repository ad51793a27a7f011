using System.Collections.Immutable;
using System.Data.Common;
using Akka.Actor;
using Newtonsoft.Json.Linq;
using Npgsql;
using Orchestrator.Api.ReadModel;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node.Insight;

/// <summary>
/// Collects what is known of one entity: from itself, from whom it waits for, from the view of the cluster and from the
/// database. Nothing is waited for long: what did not answer is named instead.
/// </summary>
internal sealed class EntityInsight(
    ShardDirectory directory, NodeQuestions questions, IEntities entities, IReadModel read, PrimarySource database,
    TimeProvider clock)
{
    private const int EventsShown = 10;
    private const int AskedAtMost = 4;
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(550);
    private static readonly TimeSpan _second = TimeSpan.FromMilliseconds(300);

    private static readonly string[] _kinds =
    [
        Kinds.Vm, Kinds.Host, Kinds.Cluster, Kinds.DataCenter, Kinds.StorageDomain, Kinds.Disk, Kinds.Template,
    ];

    /// <summary>Null when there is no such kind, or not exactly one object of that name.</summary>
    public async Task<EntityView?> Explain(string kind, string idOrName, CancellationToken cancel)
    {
        if (!_kinds.Contains(kind)) return null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_first);
        var missing = new List<string>();
        Guid id;
        if (Guid.TryParseExact(idOrName, "D", out var given)) id = given;
        else
        {
            var named = await FromDatabase("the name", missing, () => read.List(
                new ReadQuery(kind, new Dictionary<string, string> { ["config.name"] = idOrName }, Max: 2), limit.Token), cancel);
            if (named is not [var only])
                return missing.Count == 0
                    ? null
                    : throw new EntityUnavailableException($"{missing[0]}; ask by id", TimeSpan.FromSeconds(1));
            id = only.Id;
        }

        if (directory.Find(kind, id.ToString()) is not { } home) return null;
        var self = Ask(kind, id, _first, cancel);
        var owner = Owner(home, limit.Token);
        var document = FromDatabase("its document", missing, () => read.Get(kind, id, limit.Token), cancel);
        var jobs = FromDatabase("its jobs", missing, () => read.List(new ReadQuery(Kinds.Job, new Dictionary<string, string>
        {
            ["status"] = "started",
            ["entityId"] = id.ToString(),
        }), limit.Token), cancel);
        var events = FromDatabase("its events", missing, () => Events(kind, id, limit.Token), cancel);
        var (explanation, silence) = await self;
        if (directory.Find(kind, id.ToString()) is { } present && present.Epoch != home.Epoch)
        {
            // It moved while it was asked: the owner that is told of is the one that it answered from.
            (home, owner) = (present, Owner(present, limit.Token));
        }

        var json = await document is { } found ? JObject.Parse(found.Json) : null;
        var asked = await Parties(kind, explanation, json, cancel);

        var view = new EntityView
        {
            Kind = kind,
            Id = id,
            Name = (await document)?.Name ?? "",
            Shard = home.Shard.Shard,
            Owner = home.Owner is { } at
                ? new OwnerView(
                    at.Id.ToString(), (await Quietly(owner))?.Name, $"{at.Host}:{at.Port}", home.Epoch,
                    at.AppVersion.Split('+')[0], home.IsHere)
                : null,
            MovesTo = home.Next is { } next ? $"{next.Host}:{next.Port}" : null,
            Self = explanation,
            Silence = silence,
            Asked = asked,
            Document = json is null
                ? null
                : new DocumentView((await document)!.Version, (string?)json["status"] ?? "", (long?)json["lease"]),
            Jobs = [.. (await jobs ?? []).Select(d => WireJson.Read<JobView>(d.Json)).Select(j => new JobRow(
                j.Id.Value, j.Description, j.StartedAt, j.User, j.Correlation))],
            Events = [.. await events ?? []],
            Missing = [.. missing],
        };
        return view with { Sentences = EntitySentences.Of(view, clock.GetUtcNow()) };
    }

    private Task<NodeReport?> Owner(EntityHome home, CancellationToken cancel) => home.Owner is { } node
        ? questions.Ask<NodeReport>(node, new AskNode("report", 0), cancel)
        : Task.FromResult<NodeReport?>(null);

    private async Task<(Explanation? Self, string? Silence)> Ask(
        string kind, Guid id, TimeSpan patience, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(patience);
        try
        {
            return await entities.Ask(kind, id, new Inspect(), limit.Token) is Reply.Explained told
                ? (WireJson.Read<Explanation>(told.Json), null)
                : (null, "it answered in a way that this version does not understand");
        }
        catch (Exception e) when (e is AskTimeoutException or EntityUnavailableException
            || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return (null, $"no answer within {patience.TotalMilliseconds:0} ms");
        }
    }

    /// <summary>Those whose answers the debts wait for; a VM without a host waits for its cluster.</summary>
    private async Task<ImmutableArray<AskedView>> Parties(
        string kind, Explanation? self, JObject? document, CancellationToken cancel)
    {
        if (self is null) return [];
        var parties = self.Debts.Where(d => !d.IsStanding).Select(d => d.Asks
                ?? (kind == Kinds.Vm && d.Name == "FindHost" && Guid.TryParse((string?)document?["config"]?["cluster"], out var cluster)
                    ? new Party(Kinds.Cluster, cluster)
                    : null))
            .OfType<Party>().Distinct().Take(AskedAtMost);
        return [.. await Task.WhenAll(parties.Select(async party =>
        {
            var (told, silence) = await Ask(party.Kind, party.Id, _second, cancel);
            var name = told?.Summary.FirstOrDefault(s => s.Key == "name").Value;
            return new AskedView(party.Kind, party.Id, name ?? "", told, silence);
        }))];
    }

    private async Task<List<EventRow>> Events(string kind, Guid id, CancellationToken cancel)
    {
        await using var ask = database().CreateCommand(
            "SELECT sequence_number, manifest, created FROM akka.journal WHERE persistence_id = $1"
            + " ORDER BY sequence_number DESC LIMIT $2");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{kind}-{id}" });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = EventsShown });
        await using var rows = await ask.ExecuteReaderAsync(cancel);
        var events = new List<EventRow>();
        while (await rows.ReadAsync(cancel))
            events.Add(new EventRow(rows.GetInt64(0), rows.IsDBNull(1) ? "" : rows.GetString(1),
                new DateTimeOffset(rows.GetInt64(2), TimeSpan.Zero)));
        return events;
    }

    private static async Task<T?> FromDatabase<T>(
        string what, List<string> missing, Func<Task<T>> ask, CancellationToken cancel)
    {
        try
        {
            return await ask();
        }
        catch (Exception away) when (away is DbException or EntityUnavailableException or TimeoutException or IOException
            || (away is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            var why = away is OperationCanceledException ? "no answer in time" : away.GetBaseException().Message;
            lock (missing) missing.Add($"The database did not tell {what}: {why}");
            return default;
        }
    }

    private static async Task<NodeReport?> Quietly(Task<NodeReport?> report)
    {
        try
        {
            return await report;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
