using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster.Takeover;

/// <summary>What one fault cost: the waits of all entities of the lost node, asked themselves at the moment of the fault, and
/// of some asked over REST, in order.</summary>
public sealed record TakeoverFigures(string Fault, int Vms, IReadOnlyList<TimeSpan> Waits, IReadOnlyList<TimeSpan> OverRest)
{
    public TimeSpan Median => Waits[Waits.Count / 2];

    public TimeSpan Worst => Waits[^1];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Fault}: {Waits.Count} of {Vms} resident VMs were lost; asked at once they answer after "
        + $"{Median.TotalSeconds:0.00} s (median), {Waits[Waits.Count * 99 / 100].TotalSeconds:0.00} s (99 %), "
        + $"{Worst.TotalSeconds:0.00} s (worst); {OverRest.Count} PUTs over REST meanwhile: "
        + $"{OverRest[OverRest.Count / 2].TotalSeconds:0.00} s (median), {OverRest[^1].TotalSeconds:0.00} s (worst)");
}

/// <summary>Bar 2 of the engine: nodes with thousands of VMs in memory die, freeze and leave.</summary>
public sealed class TakeoverRounds(TestCluster cluster, AskingMember asker, IReadOnlyList<Guid> vms)
{
    private const int RestProbes = 40;

    public const string Settings = "orchestrator.entities.passivate-after = 1 h";

    /// <summary>Every VM is recovered and in memory after this.</summary>
    public Task BringIn() => asker.LookAtAll(vms, 200);

    public async Task<TakeoverFigures> Kill(NodeProcess victim) =>
        await Lose("kill -9", victim, () => _ = victim.Kill(), async () => await victim.Start());

    public async Task<TakeoverFigures> Freeze(NodeProcess victim) =>
        await Lose("SIGSTOP", victim, victim.Freeze, () =>
        {
            victim.Thaw();
            return Task.CompletedTask;
        });

    /// <summary>A steady flow of questions to all entities of the leaver, for as long as it takes: the longest wait counts.</summary>
    public async Task<TakeoverFigures> Leave(NodeProcess victim)
    {
        await BringIn();
        var theirs = vms.Where(v => asker.IsAt(v, victim)).ToList();
        victim.Terminate();
        var ended = victim.Exited(TimeSpan.FromSeconds(60));
        var waits = new List<Task<TimeSpan>>();
        var rest = Rest(theirs, victim, () => ended.IsCompleted);
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        for (var i = 0; !ended.IsCompleted || waits.Count < theirs.Count; i++)
        {
            waits.Add(asker.Look(theirs[i * 7919 % theirs.Count]));
            await beat.WaitForNextTickAsync();
        }

        var times = await Task.WhenAll(waits);
        if (await ended != 0) throw new InvalidOperationException($"{victim.Name} ended with code {await ended}");
        var figures = new TakeoverFigures("SIGTERM", vms.Count, [.. times.Order()], await rest);
        await Back(victim, async () => await victim.Start());
        return figures;
    }

    private async Task<TakeoverFigures> Lose(string fault, NodeProcess victim, Action strike, Func<Task> mend)
    {
        await BringIn();
        var theirs = vms.Where(v => asker.IsAt(v, victim)).ToList();
        var others = vms.Where(v => !asker.IsAt(v, victim)).Take(100).ToList();
        var before = await asker.LookAtAll(others);
        if (before[^1] > TimeSpan.FromSeconds(1)) cluster.Say($"a slow machine: {before[^1].TotalSeconds:0.00} s without a fault");
        strike();
        var clock = Stopwatch.StartNew();
        var rest = Rest(theirs, victim, () => clock.Elapsed > TimeSpan.FromSeconds(1));
        var waits = await asker.LookAtAll(theirs);
        var figures = new TakeoverFigures(fault, vms.Count, waits, await rest);
        await Back(victim, mend);
        return figures;
    }

    /// <summary>PUTs on VMs of the victim over the other nodes, one after the other, each tried again at the next node.</summary>
    private async Task<IReadOnlyList<TimeSpan>> Rest(IReadOnlyList<Guid> theirs, NodeProcess victim, Func<bool> enough)
    {
        var avoid = cluster.Nodes.ToList().IndexOf(victim);
        var times = new List<TimeSpan>();
        for (var i = 0; times.Count < RestProbes || !enough(); i++)
        {
            var vm = theirs[(i * 104729) % theirs.Count];
            var answer = await cluster.Client.Send(HttpMethod.Put, $"vms/{vm}",
                new JsonObject { ["comment"] = $"takeover-{i}" }, TimeSpan.FromSeconds(30), first: avoid + 1 + (i % 2),
                avoid: avoid);
            if (!answer.IsAccepted) throw new InvalidOperationException($"PUT vms/{vm}: {answer}");
            times.Add(answer.Took);
        }

        return [.. times.Order()];
    }

    /// <summary>The victim is a member again, and nothing moves any more.</summary>
    private async Task Back(NodeProcess victim, Func<Task> mend)
    {
        await mend();
        await cluster.UntilReady(victim, TimeSpan.FromSeconds(90));
        await Wait.Until(async () => await cluster.Tables.Count("cluster.shards WHERE next IS NOT NULL OR owner IS NULL") == 0
                && await cluster.Tables.Count($"(SELECT owner FROM cluster.shards GROUP BY owner) AS owners") == cluster.Nodes.Count,
            TimeSpan.FromSeconds(60), "the shards have come to rest");
    }
}
