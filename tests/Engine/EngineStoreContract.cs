using System.Collections.Immutable;
using System.Text;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Engine;

/// <summary>The law of <see cref="IEngineStore"/>, run against every store.</summary>
public abstract class EngineStoreContract
{
    protected static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    private static readonly ImmutableArray<string> FourShards = ["0", "1", "2", "3"];

    /// <summary>A store of one more node on the same database.</summary>
    protected abstract Task<IEngineStore> OpenAsync();

    /// <summary>Lets more time pass than a lease lasts, for the store's clock.</summary>
    protected abstract Task PassLeaseAsync();

    [SkippableFact]
    public async Task A_second_member_gets_half_of_the_shards_after_they_are_handed_over()
    {
        await using var first = await JoinedAsync(1);
        await using var second = await JoinedAsync(2);
        var view = await first.Store.RegisterShardsAsync("vm", FourShards, default);
        Assert.All(view.Shards.Values, s => Assert.Equal(first.Id, s.Owner));
        Assert.All(view.Shards.Values, s => Assert.Equal(1, s.Epoch));

        view = await second.Store.RegisterShardsAsync("vm", FourShards, default);
        var moving = view.Shards.Values.Where(s => s.Next == second.Id).ToArray();
        Assert.Equal(2, moving.Length);
        foreach (var shard in moving) view = await first.Store.HandOverAsync(shard.Key, shard.Epoch, default);
        Assert.Equal(2, view.Shards.Values.Count(s => s.Owner == second.Id && s.Epoch == 2 && s.Next is null));

        var seen = await second.Store.RenewAsync(second.Id, Lease, default);
        Assert.Equal(view.Version, seen.Version);
        Assert.Equal(view.Shards.Values.ToHashSet(), [.. seen.Shards.Values]);
    }

    [SkippableFact]
    public async Task Only_the_owner_under_its_epoch_hands_a_shard_over()
    {
        await using var first = await JoinedAsync(1);
        await using var second = await JoinedAsync(2);
        await first.Store.RegisterShardsAsync("vm", FourShards, default);
        var view = await second.Store.RegisterShardsAsync("vm", FourShards, default);
        var moving = view.Shards.Values.First(s => s.Next == second.Id);

        Assert.Equal(view.Version, (await second.Store.HandOverAsync(moving.Key, moving.Epoch, default)).Version);
        Assert.Equal(view.Version, (await first.Store.HandOverAsync(moving.Key, moving.Epoch - 1, default)).Version);
    }

    [SkippableFact]
    public async Task A_member_whose_session_ended_is_buried_at_once_and_its_epochs_rise()
    {
        await using var first = await JoinedAsync(1);
        var second = await JoinedAsync(2);
        await first.Store.RegisterShardsAsync("vm", FourShards, default);
        await second.Store.RegisterShardsAsync("vm", FourShards, default);
        await HandAllOverAsync(first);
        await second.DisposeAsync();

        ClusterView view;
        do view = await first.Store.RenewAsync(first.Id, Lease, default);
        while (view.Members.Length > 1);

        Assert.All(view.Shards.Values, s => Assert.Equal(first.Id, s.Owner));
        Assert.Equal([1, 1, 3, 3], view.Shards.Values.Select(s => s.Epoch).Order());
    }

    [SkippableFact]
    public async Task A_member_whose_lease_ran_out_is_buried_and_learns_it()
    {
        await using var first = await JoinedAsync(1);
        await using var second = await JoinedAsync(2);
        await second.Store.RegisterShardsAsync("vm", FourShards, default);
        await first.Store.RegisterShardsAsync("vm", FourShards, default);
        var lost = 0;
        second.Store.SessionLost += _ => Interlocked.Increment(ref lost);
        var held = (await second.Store.RenewAsync(second.Id, Lease, default)).Shards.Values.First(s => s.Owner == second.Id);

        await PassLeaseAsync();
        var view = await first.Store.RenewAsync(first.Id, Lease, default);

        Assert.Single(view.Members);
        Assert.All(view.Shards.Values, s => Assert.Equal(first.Id, s.Owner));
        await RefusedAsync(second, held);
        for (var n = 0; n < 500 && lost == 0; n++) await second.Store.WaitForChangeAsync(TimeSpan.FromMilliseconds(10), default);
        Assert.Equal(1, lost);
    }

    [SkippableFact]
    public async Task A_living_twin_is_refused_and_a_dead_one_is_replaced()
    {
        var first = await JoinedAsync(1);
        await using var twin = await OpenAsync();
        await twin.PrepareAsync("test", default);
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => twin.JoinAsync(Describe(1), Lease, default));
        Assert.True(refused.TwinLives);

        await first.DisposeAsync();
        var self = Describe(1);
        ClusterView view;
        while (true)
        {
            try
            {
                view = await twin.JoinAsync(self, Lease, default);
                break;
            }
            catch (StoreRefusedException e) when (e.TwinLives)
            {
            }
        }

        Assert.Equal(self.Id, Assert.Single(view.Members).Node.Id);
        Assert.Equal(self.Id, view.Self!.Node.Id);
    }

    [SkippableFact]
    public async Task A_leaving_member_gives_all_its_shards_a_new_home_and_keeps_them_until_handed_over()
    {
        await using var first = await JoinedAsync(1);
        await using var second = await JoinedAsync(2);
        await first.Store.RegisterShardsAsync("vm", FourShards, default);
        await second.Store.RegisterShardsAsync("vm", FourShards, default);
        await HandAllOverAsync(first);

        var view = await second.Store.LeaveAsync(second.Id, default);
        Assert.Equal(2, view.Shards.Values.Count(s => s.Owner == second.Id && s.Next == first.Id));
        await HandAllOverAsync(second);
        await second.Store.RemoveAsync(second.Id, default);

        view = await first.Store.RenewAsync(first.Id, Lease, default);
        Assert.Single(view.Members);
        Assert.All(view.Shards.Values, s => Assert.Equal(first.Id, s.Owner));
    }

    [SkippableFact]
    public async Task A_change_wakes_those_who_wait()
    {
        await using var first = await JoinedAsync(1);
        await using var second = await JoinedAsync(2);
        await first.Store.WaitForChangeAsync(TimeSpan.FromMilliseconds(300), default);
        var waiting = first.Store.WaitForChangeAsync(TimeSpan.FromMinutes(1), default);
        await second.Store.RegisterShardsAsync("vm", FourShards, default);
        await waiting.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [SkippableFact]
    public async Task Batches_are_judged_one_by_one()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", FourShards, default);
        var fence = new WriteFence(new ShardKey("vm", "0"), 1);

        Assert.Equal(
            [WriteOutcome.Written, WriteOutcome.NotOwner, WriteOutcome.Conflict, WriteOutcome.Written, WriteOutcome.Written],
            await node.Store.OutcomesAsync(
            [
                Batch("a", 1, 2, fence, "w"), Batch("b", 1, 1, fence with { Epoch = 2 }, "w"), Batch("c", 5, 1, fence, "w"),
                Batch("d", 1, 1, null, "w"), Batch("a", 3, 1, fence, "w"),
            ], default));
        Assert.Equal(["a1", "a2", "a3"], await ReplayAsync(node.Store, "a", 1));
        Assert.Equal(["a3"], await ReplayAsync(node.Store, "a", 3));
        Assert.Empty(await ReplayAsync(node.Store, "b", 1));
        Assert.Empty(await ReplayAsync(node.Store, "c", 1));
        Assert.Equal(["d1"], await ReplayAsync(node.Store, "d", 1));
    }

    [SkippableFact]
    public async Task A_repeated_batch_of_the_same_writer_is_written_once_and_another_writer_conflicts()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", FourShards, default);
        var fence = new WriteFence(new ShardKey("vm", "0"), 1);
        var batch = Batch("a", 1, 2, fence, "w");

        Assert.Equal([WriteOutcome.Written], await node.Store.OutcomesAsync([batch], default));
        Assert.Equal([WriteOutcome.Written, WriteOutcome.Written],
            await node.Store.OutcomesAsync([batch, Batch("e", 1, 1, fence, "w")], default));
        Assert.Equal([WriteOutcome.Conflict], await node.Store.OutcomesAsync([Batch("a", 1, 2, fence, "x")], default));
        Assert.Equal([WriteOutcome.Conflict], await node.Store.OutcomesAsync([Batch("a", 2, 2, fence, "w")], default));
        Assert.Equal(["a1", "a2"], await ReplayAsync(node.Store, "a", 1));
    }

    [SkippableFact]
    public async Task Remembered_entities_are_those_of_written_batches_until_the_owner_forgets_them()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.RegisterShardsAsync("vm", FourShards, default);
        var fence = new WriteFence(new ShardKey("vm", "0"), 1);
        await node.Store.WriteAsync(
        [
            Batch("a", 1, 1, fence, "w") with { Remember = "a" }, Batch("b", 7, 1, fence, "w") with { Remember = "b" },
            Batch("c", 1, 1, fence, "w") with { Remember = "c" },
        ], default);

        Assert.Equal(["a", "c"], (await node.Store.RememberedAsync(fence.Shard, default)).ToArray());
        await node.Store.ForgetAsync(fence.Shard, 2, "a", default);
        Assert.Equal(["a", "c"], (await node.Store.RememberedAsync(fence.Shard, default)).ToArray());
        await node.Store.ForgetAsync(fence.Shard, 1, "a", default);
        Assert.Equal(["c"], (await node.Store.RememberedAsync(fence.Shard, default)).ToArray());
    }

    [SkippableFact]
    public async Task The_newest_snapshot_within_the_limit_is_loaded()
    {
        await using var node = await JoinedAsync(1);
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        foreach (var n in new[] { 2, 5, 9 })
            await node.Store.SaveSnapshotAsync(new SnapshotRow("a", n, at, "m", 7, Encoding.UTF8.GetBytes($"s{n}")), default);

        var row = await node.Store.LoadSnapshotAsync("a", 8, default);
        Assert.Equal((5, "m", 7, "s5", at), (row!.SequenceNr, row.Manifest, row.SerializerId,
            Encoding.UTF8.GetString(row.Payload.Span), row.Created));
        await node.Store.DeleteSnapshotsAsync("a", 5, default);
        Assert.Null(await node.Store.LoadSnapshotAsync("a", 8, default));
        Assert.NotNull(await node.Store.LoadSnapshotAsync("a", long.MaxValue, default));
    }

    [SkippableFact]
    public async Task Deleted_events_are_not_replayed_but_their_numbers_stay_taken()
    {
        await using var node = await JoinedAsync(1);
        await node.Store.WriteAsync([Batch("a", 1, 3, null, "w")], default);
        await node.Store.DeleteMessagesAsync("a", 2, default);
        Assert.Equal(["a3"], await ReplayAsync(node.Store, "a", 1));
        await node.Store.DeleteMessagesAsync("a", 3, default);
        Assert.Empty(await ReplayAsync(node.Store, "a", 1));
        Assert.Equal([WriteOutcome.Written], await node.Store.OutcomesAsync([Batch("a", 4, 1, null, "w")], default));
    }

    [SkippableFact]
    public async Task A_database_of_another_cluster_is_refused()
    {
        await using var node = await JoinedAsync(1);
        await using var other = await OpenAsync();
        await Assert.ThrowsAsync<StoreRefusedException>(() => other.PrepareAsync("another", default));
    }

    protected static NodeDescription Describe(int number) => new(
        new NodeId(Guid.NewGuid()), "127.0.0.1", 4000 + number, ["engine"], "1.0");

    protected static JournalBatch Batch(string id, long from, int count, WriteFence? fence, string writer) => new(
        id, writer, fence,
        [.. Enumerable.Range(0, count).Select(i => new JournalEvent(from + i, "m.1", 9, Encoding.UTF8.GetBytes($"{id}{from + i}")))],
        [], null);

    protected static async Task<string[]> ReplayAsync(IEngineStore store, string id, long from)
    {
        var found = new List<string>();
        await foreach (var row in store.ReplayAsync(id, from, default))
        {
            if (row.IsDeleted) continue;
            Assert.Equal((9, "m.1"), (row.SerializerId, row.Manifest));
            found.Add(Encoding.UTF8.GetString(row.Payload.Span));
        }

        return [.. found];
    }

    protected async Task<Node> JoinedAsync(int number)
    {
        var store = await OpenAsync();
        await store.PrepareAsync("test", default);
        var self = Describe(number);
        await store.JoinAsync(self, Lease, default);
        return new Node(store, self.Id);
    }

    /// <summary>A buried node's write is refused, or cannot even reach the database: its sessions were ended.</summary>
    private static async Task RefusedAsync(Node node, ShardRow held)
    {
        try
        {
            Assert.Equal([WriteOutcome.NotOwner],
                await node.Store.OutcomesAsync([Batch("late", 1, 1, new WriteFence(held.Key, held.Epoch), "w")], default));
        }
        catch (StoreUnavailableException)
        {
        }

        Assert.Empty(await ReplayAsync(node.Store, "late", 1));
    }

    private static async Task HandAllOverAsync(Node node)
    {
        var view = await node.Store.RenewAsync(node.Id, Lease, default);
        foreach (var shard in view.Shards.Values.Where(s => s.Owner == node.Id && s.Next is not null))
            await node.Store.HandOverAsync(shard.Key, shard.Epoch, default);
    }

    protected sealed record Node(IEngineStore Store, NodeId Id) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Store.DisposeAsync();
    }
}
