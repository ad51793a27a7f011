using System.Globalization;
using Npgsql;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.ReadModel;
using Orchestrator.Api.Search;

namespace Orchestrator.Tests.Api;

/// <summary>Searches on a real PostgreSQL: it finds what the evaluation in memory finds, and no text makes it stumble.</summary>
public sealed class PostgresSearchTests(OwnPostgres postgres) : IClassFixture<OwnPostgres>
{
    private static readonly string[] _kinds =
        [Kinds.Vm, Kinds.Host, Kinds.Cluster, Kinds.DataCenter, Kinds.StorageDomain, Kinds.Disk, Kinds.Template, Kinds.Event, Kinds.Job];

    [SkippableFact]
    public async Task The_database_finds_what_memory_finds()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var seed = SearchWorld.Seed();
        var world = new SearchWorld(seed);
        var read = await Filled(world);
        var memory = new FilterEvaluation(world.Of);
        var random = new Random(seed);
        var some = 0;
        for (var round = 0; round < 1_500; round++)
        {
            var kind = _kinds[random.Next(_kinds.Length)];
            var text = world.Search(kind);
            var letters = random.Next(3) == 0 ? LetterCase.Obeyed : LetterCase.Ignored;
            var (only, order) = SearchMeaning.Of(SearchQuery.Parse(text), kind, letters, SearchWorld.Now);
            var wanted = world.Of(kind).Where(row => only is null || memory.IsTrue(only, row));
            // Two events or jobs of equal value have no name that tells them apart.
            var isSorted = order is not null && kind is not (Kinds.Event or Kinds.Job);
            var expected = (isSorted ? memory.Sorted(wanted, order!) : wanted.OrderBy(row => row.Id, StringComparer.Ordinal)).Select(row => row.Id).ToList();
            var found = kind == Kinds.Event
                ? (await read.Events(new AuditQuery { Only = only, Order = order }, default)).Select(row => row.Id.ToString(CultureInfo.InvariantCulture))
                : (await read.List(new ReadQuery(kind) { Only = only, Order = order }, default)).Select(row => row.Id.ToString());
            var got = (isSorted ? found : found.Order(StringComparer.Ordinal)).ToList();
            Assert.True(expected.SequenceEqual(got),
                $"{kind} ({letters}): {text}\nmemory:   {string.Join(' ', expected)}\ndatabase: {string.Join(' ', got)}\nSEED={seed}");
            if (expected.Count > 0 && expected.Count < world.Of(kind).Count()) some++;
        }

        Assert.True(some > 150, $"only {some} searches found some; SEED={seed}");
    }

    [SkippableFact]
    public async Task No_text_makes_the_database_stumble()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var seed = SearchWorld.Seed();
        var read = await Filled(new SearchWorld(seed));
        foreach (var text in new[]
        {
            "'; DROP TABLE read.objects; --", "\"'; DROP TABLE read.objects; --\"", "name=\"$1\"", "name=\"\\\"", "name=\"%\"", "description=\"{\"", "*\"\\*", "name='\"'",
            "memory=0.000000000000000000000000001", "memory=-1", "creationdate>0002-01-01", "creationdate<9998-12-31", "name=" + new string('x', 9_000),
            string.Join(" or ", Enumerable.Repeat("host.name=a", 100)), "\ud83d\ude00", "sortby id", "id=x*", "id=\"\"",
        })
        {
            try
            {
                var (only, order) = SearchMeaning.Of(SearchQuery.Parse(text), Kinds.Vm, LetterCase.Ignored, SearchWorld.Now);
                await read.List(new ReadQuery(Kinds.Vm, Max: 5) { Only = only, Order = order }, default);
            }
            catch (FaultException refused)
            {
                Assert.Equal(400, refused.Status);
            }
        }

        Assert.Equal(40, await read.Count(new ReadQuery(Kinds.Vm), default));
    }

    [SkippableFact]
    public async Task The_same_event_is_told_once_in_its_window()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var read = await Filled(new SearchWorld(1));
        var at = SearchWorld.Now;
        var (host, other) = (Guid.NewGuid(), Guid.NewGuid());
        var number = 0;
        async Task<int> Told(params AuditLine[] lines)
        {
            var before = (await read.Events(new AuditQuery(), default)).Count;
            await Run(ReadSchema.Companions.Single(c => c.Kind == "audit").Statement,
                lines.Select(_ => $"flood-{number++}").ToArray(), lines.Select(_ => 1L).ToArray(), lines.Select(WireJson.Write).ToArray());
            return (await read.Events(new AuditQuery(), default)).Count - before;
        }

        AuditLine Line(int code, Guid host, double second, string text = "x") => new(code, Severity.Error, text, at.AddSeconds(second), null, "system", Host: host);
        Assert.Equal(1, await Told(Line(18, host, 0)));
        Assert.Equal(0, await Told(Line(18, host, 59, "another reason")));
        Assert.Equal(1, await Told(Line(18, other, 59)));
        Assert.Equal(1, await Told(Line(18, host, 61)));
        Assert.Equal(2, await Told(Line(12, host, 0), Line(12, host, 0)));
        Assert.Equal(1, await Told(Line(19, host, 0), Line(19, host, 1)));

        var records = new PostgresClientRecords(() => postgres.Database!);
        var own = new AuditLine(9801, Severity.Normal, "mine", DateTimeOffset.UtcNow, null, "a") { Origin = "o", CustomId = 1, FloodRate = 60 };
        var first = await records.Tell(own, default);
        Assert.Equal(first.Id, (await records.Tell(own, default)).Id);
        Assert.NotEqual(first.Id, (await records.Tell(own with { Description = "other" }, default)).Id);
        Assert.True(await records.RemoveEvent(first.Id, default));
        Assert.False(await records.RemoveEvent(first.Id, default));
        Assert.DoesNotContain(await read.Events(new AuditQuery(), default), row => row.Id == first.Id);
        await records.RestoreEvents(default);
        Assert.Contains(await read.Events(new AuditQuery(), default), row => row.Id == first.Id);
    }

    [SkippableFact]
    public async Task Jobs_of_clients_are_kept_until_they_are_over()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var read = await Filled(new SearchWorld(1));
        var records = new PostgresClientRecords(() => postgres.Database!);
        var now = DateTimeOffset.UtcNow;
        JobView Job(string status, double minutes, bool cleared = true) => new()
        {
            Id = new(Guid.NewGuid()),
            Description = "d",
            Status = status,
            StartedAt = now,
            EndedAt = status == "started" ? null : now.AddMinutes(-minutes),
            User = "a",
            EntityKind = Kinds.User,
            EntityId = Guid.NewGuid(),
            External = true,
            AutoCleared = cleared,
        };
        JobView[] stay = [Job("started", 0), Job("finished", 9), Job("failed", 59), Job("finished", 500, false)];
        JobView[] go = [Job("finished", 11), Job("failed", 61)];
        foreach (var job in stay.Concat(go)) await records.AddJob(job, default);
        Assert.True(await records.ReplaceJob(stay[0] with { Description = "new" }, 1, default));
        Assert.False(await records.ReplaceJob(stay[0], 1, default));
        await read.DropOldJobs(default);
        foreach (var job in stay) Assert.NotNull(await read.Get(Kinds.Job, job.Id.Value, default));
        foreach (var job in go) Assert.Null(await read.Get(Kinds.Job, job.Id.Value, default));
    }

    private async Task<PostgresReadModel> Filled(SearchWorld world)
    {
        var database = postgres.Database!;
        await Run("DROP SCHEMA IF EXISTS read, events, secret CASCADE");
        foreach (var (_, _, sql) in ReadSchema.Migrations) await Run(sql);
        foreach (var row in world.Rows.Values.SelectMany(rows => rows))
        {
            var key = row.Kind == Kinds.Event ? $"line-{row.Id}" : $"{row.Kind}/{row.Id}";
            await Run(ReadSchema.Companions.Single(c => c.Kind == (row.Kind == Kinds.Event ? "audit" : "object")).Statement,
                new[] { key }, new[] { 1L }, new[] { row.Document.GetRawText() });
            if (row.Seen is not { } seen) continue;
            await Run("INSERT INTO read.observed VALUES ($1, $2, 1, now(), $3::jsonb)", row.Kind, Guid.Parse(row.Id), seen.GetRawText());
        }

        return new PostgresReadModel(() => database, TimeSpan.FromSeconds(5), 10, TimeProvider.System);
    }

    private async Task Run(string sql, params object[] values)
    {
        await using var command = postgres.Database!.CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync();
    }
}
