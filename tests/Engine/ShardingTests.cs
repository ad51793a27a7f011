using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Orchestrator.Engine.Postgres;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Engine;

public sealed class ShardingInMemoryTests(ITestOutputHelper output) : ShardingContract(output)
{
    private readonly MemoryEngineDatabase database = new(TimeProvider.System);

    protected override Task<IEngineStore> OpenAsync() => Task.FromResult<IEngineStore>(new MemoryEngineStore(database));
}

[Collection(PostgresTests.Name)]
public sealed class ShardingOnPostgresTests(PostgresServer server, ITestOutputHelper output) : ShardingContract(output)
{
    private string? database;

    [SkippableFact]
    public async Task After_the_database_restarted_all_nodes_are_back_with_all_they_knew()
    {
        await using var a = new TestNode(await OpenAsync());
        await using var b = new TestNode(await OpenAsync());
        await b.SeesAsync(Settled);
        for (var n = 0; n < 10; n++) Assert.Equal(1, (await a.AddAsync($"x{n}", 1)).Sum);
        var before = a.View.Members.Select(m => m.Node.Id).ToHashSet();

        await server.RestartAsync();
        await a.SeesAsync(v => Settled(v) && !v.Members.Any(m => before.Contains(m.Node.Id)));

        for (var n = 0; n < 10; n++) Assert.Equal(2, (await b.AddAsync($"x{n}", 1)).Sum);

        static bool Settled(ClusterView v) => v.Members.Length == 2 && v.Shards.Count == 12
            && v.Members.All(m => v.Shards.Values.Count(s => s.Owner == m.Node.Id && s.Next is null) == 6);
    }

    protected override async Task<IEngineStore> OpenAsync() =>
        new PostgresEngineStore(new PostgresSettings(database ??= await server.NewDatabaseAsync()));
}
