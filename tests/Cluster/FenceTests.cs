using System.Text;
using Orchestrator.Engine;
using Orchestrator.Engine.Postgres;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster;

/// <summary>
/// A node that lost its shard writes all the same: with the fence the database refuses it, without the fence it
/// succeeds and the checkers of the cluster tests say so. A checker that has never failed proves nothing.
/// Whole processes do not show it: twenty frozen nodes that woke up with the fence off wrote nothing late, because
/// three other things stand before the fence (the node's own clock, its ended sessions, the writer's lock). So the
/// zombie here is the store alone, on a real database, without those who would stop it.
/// </summary>
public sealed class FenceTests
{
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(1);

    [SkippableFact]
    public async Task With_the_fence_a_zombies_write_is_refused_and_the_checkers_are_content()
    {
        Skip.IfNot(PrivatePostgres.IsInstalled, "PostgreSQL 15 is not installed");
        var (late, heirs, violations) = await WriteLate(WriteFencing.On);

        Assert.Equal(WriteOutcome.NotOwner, late);
        Assert.Equal(WriteOutcome.Written, heirs);
        Assert.Empty(violations);
    }

    [SkippableFact]
    public async Task Without_the_fence_the_checkers_find_the_zombies_write()
    {
        Skip.IfNot(PrivatePostgres.IsInstalled, "PostgreSQL 15 is not installed");
        var (late, heirs, violations) = await WriteLate(WriteFencing.Off);

        Assert.Equal(WriteOutcome.Written, late);
        Assert.Equal(WriteOutcome.Conflict, heirs);
        Assert.Equal(
            ["a node that lost a shard writes nothing", "only owners write"], violations.Select(v => v.Promise).Order());
    }

    private static async Task<(WriteOutcome Late, WriteOutcome Heirs, IReadOnlyList<Violation> Found)> WriteLate(
        WriteFencing fencing)
    {
        var folder = Path.Combine(Path.GetTempPath(), $"orchestrator-fence-{Environment.ProcessId}");
        await using var postgres = await PrivatePostgres.Start(new RunLog(), folder, durable: false);
        var settings = new PostgresSettings(postgres.ConnectionString) { WriteFencing = fencing };
        await using var zombie = new PostgresEngineStore(settings);
        await using var heir = new PostgresEngineStore(settings);
        await zombie.PrepareAsync("fence", CancellationToken.None);
        var tables = new ClusterTables(() => postgres);
        await tables.Watch();

        var vm = $"vm-{Guid.NewGuid()}";
        var shard = new ShardKey("vm", ClusterTables.ShardOf(vm)!["vm/".Length..]);
        await zombie.JoinAsync(Node(1), _lease, CancellationToken.None);
        var view = await zombie.RegisterShardsAsync("vm", [shard.Shard], CancellationToken.None);
        var former = new WriteFence(shard, view.Shards[shard].Epoch);
        Assert.Equal(WriteOutcome.Written, await Write(zombie, vm, "former", former, 1));

        // It falls silent; its lease runs out, and the other one buries it.
        var self = Node(2);
        await heir.JoinAsync(self, _lease, CancellationToken.None);
        await Wait.Until(async () =>
        {
            view = await heir.RenewAsync(self.Id, _lease, CancellationToken.None);
            return view.Shards[shard].Owner == self.Id;
        }, TimeSpan.FromSeconds(15), "the heir owns the shard");
        var present = new WriteFence(shard, view.Shards[shard].Epoch);
        Assert.True(present.Epoch > former.Epoch);

        // It wakes up before the heir has written anything: the sequence number that it expects is still free.
        var late = await Write(zombie, vm, "former", former, 2);
        var heirs = await Write(heir, vm, "heir", present, 2);

        var journal = await tables.Journal();
        var epochs = await tables.Epochs();
        return (late, heirs,
        [
            .. JournalChecker.Check(journal),
            .. EpochChecker.CheckEpochs(epochs),
            .. EpochChecker.CheckOwners(journal, epochs),
            .. EpochChecker.CheckWriters(journal, epochs, ClusterTables.ShardOf),
        ]);
    }

    private static NodeDescription Node(int number) =>
        new(new NodeId(Guid.NewGuid()), "127.0.0.1", number, ["engine"], "1") { ShardTypes = ["vm"] };

    /// <summary>As the engine's writer does: what ended without an answer is sent again.</summary>
    private static async Task<WriteOutcome> Write(
        PostgresEngineStore store, string entity, string writer, WriteFence fence, long number)
    {
        var batch = new JournalBatch(entity, writer, fence,
            [new JournalEvent(number, "vm.redefined.1", 100, Encoding.UTF8.GetBytes("{}"))], [], null);
        var outcome = WriteOutcome.Rejected;
        await Wait.Until(async () =>
        {
            try
            {
                outcome = (await store.WriteAsync([batch], CancellationToken.None))[0];
                return true;
            }
            catch (StoreUnavailableException)
            {
                return false;
            }
        }, TimeSpan.FromSeconds(15), $"{writer} has an answer");
        return outcome;
    }
}
