using Orchestrator.Api.Catalogue;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Tests.Api;

/// <summary>The catalogue on a real PostgreSQL: a change is whole and alone, and no address is given twice.</summary>
public sealed class PostgresCatalogueTests(OwnPostgres postgres) : IClassFixture<OwnPostgres>
{
    private static readonly MacRange _small = new(0x020000000000, 0x02000000000f);

    [SkippableFact]
    public async Task Of_many_writers_each_sees_what_the_one_before_wrote()
    {
        var catalogue = await Catalogue();
        var parent = Guid.NewGuid();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => catalogue.Change(async change =>
        {
            var known = await change.List("counter", parent, default);
            await change.Put(new CatalogueItem("counter", Guid.NewGuid(), parent, $"{known.Count:d2}", "{}"), default);
            return true;
        }, default))));
        Assert.Equal(Enumerable.Range(0, 20).Select(n => $"{n:d2}"), (await catalogue.List("counter", parent, default)).Select(item => item.Name));
    }

    [SkippableFact]
    public async Task What_is_refused_in_the_middle_changes_nothing()
    {
        var catalogue = await Catalogue();
        var item = new CatalogueItem("thing", Guid.NewGuid(), Guid.Empty, "one", """{"name": "one"}""");
        await Assert.ThrowsAsync<InvalidOperationException>(() => catalogue.Change<bool>(async change =>
        {
            await change.Put(item, default);
            throw new InvalidOperationException("refused");
        }, default));
        Assert.Null(await catalogue.Get("thing", item.Id, default));
        await catalogue.Change(async change =>
        {
            await change.Put(item, default);
            return true;
        }, default);
        Assert.Equal(item, await catalogue.Get("thing", item.Id, default));
    }

    [SkippableFact]
    public async Task No_address_is_given_twice_nor_one_that_a_vm_has()
    {
        var catalogue = await Catalogue();
        await catalogue.KeepMac("02:00:00:00:00:03", default);
        var given = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => catalogue.TakeMac([_small], default))));
        var macs = given.OfType<string>().ToList();
        Assert.Equal(15, macs.Count);
        Assert.Equal(15, macs.Distinct().Count());
        Assert.DoesNotContain("02:00:00:00:00:03", macs);

        // A minute later one of them is a VM's, and the others are free again.
        await Run("UPDATE catalogue.macs SET at = now() - interval '2 minutes'");
        await Run("""
            INSERT INTO read.objects (kind, id, name, version, doc)
            VALUES ('vm', gen_random_uuid(), 'web', 1, '{"config": {"nics": [{"mac": "02:00:00:00:00:05", "name": "a"}]}}')
            """);
        var again = new List<string>();
        while (await catalogue.TakeMac([_small], default) is { } mac) again.Add(mac);
        Assert.Equal(15, again.Distinct().Count());
        Assert.DoesNotContain("02:00:00:00:00:05", again);
    }

    private async Task<PostgresCatalogue> Catalogue()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        await Run("DROP SCHEMA IF EXISTS read CASCADE; DROP SCHEMA IF EXISTS events CASCADE; DROP SCHEMA IF EXISTS secret CASCADE; DROP SCHEMA IF EXISTS catalogue CASCADE");
        await Run(ReadSchema.Migrations.Single(step => step.Number == 100).Sql);
        foreach (var (_, _, sql) in CatalogueSchema.Migrations) await Run(sql);
        return new PostgresCatalogue(() => postgres.Database);
    }

    private async Task Run(string sql)
    {
        await using var command = postgres.Database!.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
