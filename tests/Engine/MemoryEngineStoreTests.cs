using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Engine;

public sealed class MemoryEngineStoreTests : EngineStoreContract
{
    private readonly SteppedClock clock = new();
    private readonly MemoryEngineDatabase database;

    public MemoryEngineStoreTests() => database = new MemoryEngineDatabase(clock);

    protected override Task<IEngineStore> OpenAsync() => Task.FromResult<IEngineStore>(new MemoryEngineStore(database));

    protected override Task PassLeaseAsync()
    {
        clock.Ahead += Lease + TimeSpan.FromSeconds(1);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_write_whose_answer_is_lost_can_be_repeated()
    {
        await using var node = await JoinedAsync(1);
        var store = (MemoryEngineStore)node.Store;
        store.LostAnswers = 1;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.WriteAsync([Batch("a", 1, 1, null, "w")], default));
        Assert.Equal([WriteOutcome.Written], await store.OutcomesAsync([Batch("a", 1, 1, null, "w")], default));
        Assert.Single(database.Journal);
    }

    /// <summary>The real clock for timers, moved ahead for leases.</summary>
    private sealed class SteppedClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
