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

    protected override async Task<IEngineStore> OpenAsync() =>
        new PostgresEngineStore(new PostgresSettings(database ??= await server.NewDatabaseAsync()));
}
