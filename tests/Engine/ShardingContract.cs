using System.Diagnostics;
using Orchestrator.Engine;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Engine;

/// <summary>Three nodes in one process, on either store: what a user of sharding relies on.</summary>
public abstract class ShardingContract(ITestOutputHelper output)
{
    private static readonly string[] Ids = [.. Enumerable.Range(0, 24).Select(i => $"vm-{i}")];

    protected abstract Task<IEngineStore> OpenAsync();

    [SkippableFact]
    public async Task An_entity_is_the_same_from_every_node_and_shards_are_balanced()
    {
        await using var a = await NodeAsync();
        await using var b = await NodeAsync();
        await using var c = await NodeAsync();
        await SettledAsync(a, b, c);

        foreach (var node in new[] { a, b, c })
            await Task.WhenAll(Ids.Select(id => node.AddAsync(id, 1)));
        var totals = await Task.WhenAll(Ids.Select(id => a.SumAsync(id)));

        Assert.All(totals, t => Assert.Equal(3, t.Sum));
        Assert.Equal(3, totals.Select(t => t.Node).Distinct().Count());
        Assert.Equal([4, 4, 4], new[] { a.Owned, b.Owned, c.Owned });
    }

    [SkippableFact]
    public async Task After_a_node_is_killed_its_entities_answer_elsewhere_with_all_they_knew()
    {
        await using var a = await NodeAsync();
        await using var b = await NodeAsync();
        var c = await NodeAsync();
        await SettledAsync(a, b, c);
        await Task.WhenAll(Ids.Select(id => a.AddAsync(id, 1)));
        var lost = c.Cluster.SelfAddress.ToString();
        var victims = (await Task.WhenAll(Ids.Select(id => a.SumAsync(id)))).Where(t => t.Node == lost).Select(t => t.Id).ToArray();
        Assert.NotEmpty(victims);

        var clock = Stopwatch.StartNew();
        _ = c.KillAsync();
        var totals = await Task.WhenAll(victims.Select(async id =>
        {
            while (true)
            {
                try
                {
                    var total = await a.SumAsync(id, TimeSpan.FromMilliseconds(200));
                    if (total.Node != lost) return total;
                }
                catch (Exception e) when (e is Akka.Actor.AskTimeoutException or TaskCanceledException)
                {
                }
            }
        })).WaitAsync(TimeSpan.FromSeconds(10));

        output.WriteLine($"{victims.Length} entities answered elsewhere after {clock.ElapsedMilliseconds} ms");
        Assert.All(totals, t => Assert.Equal(1, t.Sum));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(3), $"the takeover took {clock.Elapsed}");
    }

    [SkippableFact]
    public async Task A_node_that_leaves_hands_its_shards_over_and_no_request_fails()
    {
        await using var a = await NodeAsync();
        await using var b = await NodeAsync();
        await using var c = await NodeAsync();
        await SettledAsync(a, b, c);
        using var stop = new CancellationTokenSource();
        var asked = 0;
        var load = Ids.Select(async id =>
        {
            var n = 0;
            while (!stop.IsCancellationRequested)
            {
                n++;
                Assert.Equal(n, (await b.AddAsync(id, 1)).Sum);
                Interlocked.Increment(ref asked);
            }

            return n;
        }).ToArray();

        await c.LeaveAsync();
        await a.SeesAsync(v => v.Members.Length == 2 && v.Shards.Values.All(s => s.Next is null));
        await stop.CancelAsync();
        var sums = await Task.WhenAll(load);

        output.WriteLine($"{asked} requests while a node left");
        foreach (var (id, n) in Ids.Zip(sums)) Assert.Equal(n, (await a.SumAsync(id)).Sum);
        Assert.Equal([6, 6], new[] { a.Owned, b.Owned });
    }

    [SkippableFact]
    public async Task A_frozen_node_loses_its_shards_and_its_late_write_is_refused()
    {
        await using var a = await NodeAsync();
        var held = new HeldBackStore(await OpenAsync());
        await using var b = new TestNode(held);
        await b.Membership.Joined;
        await SettledAsync(a, b);
        await Task.WhenAll(Ids.Select(id => a.AddAsync(id, 1)));
        var old = b.View.Shards.Values.First(s => s.Owner == b.Membership.Self);
        var frozen = b.Membership.Self;
        var isolated = new TaskCompletionSource<ClusterView>(TaskCreationOptions.RunContinuationsAsynchronously);
        b.Membership.Isolated += _ => isolated.TrySetResult(a.View);

        held.Hold();
        var atIsolation = await isolated.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Contains(atIsolation.Members, m => m.Node.Id == frozen);
        Assert.False(b.Membership.MayAct);
        await a.SeesAsync(v => v.Members.All(m => m.Node.Id != frozen));
        foreach (var id in Ids) Assert.Equal(2, (await a.AddAsync(id, 1)).Sum);

        try
        {
            Assert.Equal([WriteOutcome.NotOwner], await held.OutcomesAsync(
                [new JournalBatch("late", "w", new WriteFence(old.Key, old.Epoch), [new JournalEvent(1, "m", 4, new byte[1])], [], null)],
                default));
        }
        catch (StoreUnavailableException)
        {
        }

        held.Release();
        await a.SeesAsync(v => v.Members.Length == 2 && v.Shards.Values.All(s => s.Next is null));
        foreach (var id in Ids) Assert.Equal(3, (await a.AddAsync(id, 1)).Sum);
    }

    private async Task<TestNode> NodeAsync()
    {
        var node = new TestNode(await OpenAsync());
        await node.Membership.Joined.WaitAsync(TimeSpan.FromSeconds(20));
        return node;
    }

    /// <summary>Until all see the same table, with a fair share for each and nothing on the move.</summary>
    private static async Task SettledAsync(params TestNode[] nodes)
    {
        foreach (var node in nodes)
        {
            await node.SeesAsync(v => v.Members.Length == nodes.Length && v.Shards.Count == 12
                && v.Shards.Values.All(s => s.Next is null && s.Owner is not null)
                && v.Members.All(m => v.Shards.Values.Count(s => s.Owner == m.Node.Id) == 12 / nodes.Length));
        }
    }
}
