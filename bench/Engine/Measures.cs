using System.Diagnostics;
using System.Globalization;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Engine;

/// <summary>The measurements, in rounds: ours and its limit take turns, so that what else the machine does meets both.
/// Medians of the rounds are reported.</summary>
internal static class Measures
{
    private const int Rounds = 3;
    private const int Parallel = 256;
    private const int Vms = 10_000;

    public static async Task MeasureTells(Report report)
    {
        await Tells.Round();
        var rounds = new List<(double Tells, double Limit)>();
        for (var n = 0; n < Rounds; n++) rounds.Add(await Tells.Round());
        report.Rate("tells on one node, one thread to one actor", Median(rounds.Select(r => r.Tells)),
            "System.Threading.Channels, one thread to another", Median(rounds.Select(r => r.Limit)));
    }

    public static async Task MeasureAsks(Installation installation, Report report)
    {
        var driver = await installation.Node(1);
        var owner = await installation.Node(2);
        await driver.Ask($"settled 2");
        await owner.Ask($"settled 2");
        await driver.Ask($"create 0 400 1");
        foreach (var kind in new[] { Meter.Kind, Actors.Journal.Kinds.Vm })
        {
            for (var n = 0; n < 2; n++) await driver.Ask($"asks {kind} {Parallel} 3");
            var rounds = new List<(double Rate, double Cpu, double Limit)>();
            var (before, ownerBefore) = (await driver.Ask($"bytes"), await owner.Ask($"bytes"));
            var first = await driver.Ask($"asks {kind} {Parallel} 1");
            var (after, ownerAfter) = (await driver.Ask($"bytes"), await owner.Ask($"bytes"));
            var count = Number(first[0]);
            var (ask, reply) = (
                (int)Math.Ceiling((Number(after[0]) - Number(before[0])) / count),
                (int)Math.Ceiling((Number(ownerAfter[0]) - Number(ownerBefore[0])) / count));
            await using var echo = await Member.Start("echo", installation.Pki, $"{ask}", $"{reply}");
            await using var stream = await Echo.Connect(Installation.Identity(installation.Pki), int.Parse(echo.Greeting[0]));
            await Echo.Rate(stream, ask, reply, Parallel, TimeSpan.FromSeconds(1));
            for (var n = 0; n < Rounds; n++)
            {
                var cpu = ProcessCost.Cpu(owner.Pid) + ProcessCost.Cpu(driver.Pid);
                var asks = await driver.Ask($"asks {kind} {Parallel} 3");
                cpu = ProcessCost.Cpu(owner.Pid) + ProcessCost.Cpu(driver.Pid) - cpu;
                rounds.Add((
                    Number(asks[1]), cpu.TotalMicroseconds / Number(asks[0]),
                    await Echo.Rate(stream, ask, reply, Parallel, TimeSpan.FromSeconds(2))));
            }

            var what = kind == Meter.Kind ? "asks of an entity on another node" : "looks at a VM on another node";
            var rate = Median(rounds.Select(r => r.Rate));
            report.Rate($"{what}, {Parallel} under way", rate,
                $"TLS echo of the same {ask} and {reply} bytes", Median(rounds.Select(r => r.Limit)));
            Report.Line($"  {Median(rounds.Select(r => r.Cpu)):0.0} us of CPU each, both nodes together");
            if (kind == Meter.Kind) report.Bar(what, "over 20,000/s", rate > 20_000);

            var ours = Spread.Read(await driver.Ask($"paced {kind} 1000 5"));
            ours = Spread.Read(await driver.Ask($"paced {kind} 1000 5"));
            var bare = await Echo.Paced(stream, ask, reply, 1000, TimeSpan.FromSeconds(3));
            Report.Line($"{what}, 1,000 a second: median {ours[0]:0.00} ms, 99 % {ours[1]:0.00}, 99.9 % {ours[2]:0.00}, "
                + $"worst {ours[3]:0.0}; limit, TLS echo: median {bare.Median:0.00} ms, 99 % {bare.At(0.99):0.00}, worst "
                + $"{bare.Worst:0.0}; ratio {bare.Median / ours[0]:0.00}");
            if (kind == Meter.Kind) report.Bar($"{what}, latency", "median under 1 ms", ours[0] < 1);
        }

        await installation.Empty();
    }

    public static async Task MeasurePersists(Installation installation, Report report)
    {
        var node = await installation.Node(1);
        await node.Ask($"settled 1");
        var raw = new RawInserts(await installation.Bare(), 158);
        await node.Ask($"persists 500 5 1");
        await node.Ask($"persists 1 2 2");
        var many = new List<(double Rate, double Group, double Cpu, double Limit)>();
        for (var n = 0; n < Rounds; n++)
        {
            var ours = await node.Ask($"persists 500 5 1");
            var group = Math.Max(1, (int)Math.Round(Number(ours[1])));
            many.Add((Number(ours[0]), group, Number(ours[2]), await raw.Rate(2, group, TimeSpan.FromSeconds(4))));
        }

        report.Rate("persisted events, 500 entities", Median(many.Select(r => r.Rate)),
            $"PostgreSQL alone, {Median(many.Select(r => r.Group)):0} rows a commit over 2 connections",
            Median(many.Select(r => r.Limit)), 0.6);
        Report.Line($"  {Median(many.Select(r => r.Cpu)):0.0} us of CPU of the node each");

        var one = new List<(double Rate, double Limit)>();
        // Short turns: how long the disk takes for a commit drifts within seconds.
        for (var n = 0; n < 4 * Rounds; n++)
        {
            var ours = await node.Ask($"persists 1 1 2");
            one.Add((Number(ours[0]), await raw.Rate(1, 1, TimeSpan.FromSeconds(1))));
        }

        report.Rate("persisted events, one entity that always has another command waiting, one event a commit", Median(one.Select(r => r.Rate)),
            "commits of one row over one connection", Median(one.Select(r => r.Limit)), 0.8);
        await installation.Empty();
    }

    public static async Task MeasureMemory(Installation installation, Report report)
    {
        var node = await installation.Node(1);
        await node.Ask($"settled 1");
        await node.Ask($"create 0 200 1");
        var before = await node.Ask($"memory");
        await node.Ask($"create 200 {Vms} 0");
        var after = await node.Ask($"memory");
        Report.Line($"memory of {Vms:#,0} resident VM entities: {(Number(after[0]) - Number(before[0])) / Vms / 1000:0.0} kB "
            + $"reachable each, {(Number(after[1]) - Number(before[1])) / Vms / 1000:0.0} kB resident each");
        await installation.Empty();
    }

    public static async Task MeasureRecovery(Installation installation, Report report)
    {
        var driver = await installation.Node(1);
        var victim = await installation.Node(2);
        var other = await installation.Node(3);
        await driver.Ask($"settled 3");
        var rate = await driver.AskNumber($"create 0 {Vms} 3");
        Report.Line($"({Vms:#,0} VMs were created and changed three times each, {rate:#,0} commands a second over three nodes)");
        var owned = await driver.AskNumber($"owned-by {Installation.Address(2)} {Vms}");
        var death = Stopwatch.GetTimestamp();
        victim.Kill();
        var cpu = ProcessCost.Cpu(driver.Pid) + ProcessCost.Cpu(other.Pid);
        var answer = await driver.Ask($"recover {death}");
        cpu = ProcessCost.Cpu(driver.Pid) + ProcessCost.Cpu(other.Pid) - cpu;
        var times = Spread.Read(answer.AsSpan(2));
        var (bare, rows) = await RawInserts.Read(installation.Postgres,
            [.. Enumerable.Range(0, (int)owned).Select(n => $"vm-{BenchNode.VmId(n)}")]);
        Report.Line($"recovery after kill -9 of one of three nodes, {owned:#,0} of {Vms:#,0} VMs were there: median "
            + $"{times[0]:0} ms after the death, 99 % {times[1]:0} ms, worst {times[3]:0} ms; limit, one SELECT of as many "
            + $"rows ({rows:#,0}): {bare.TotalMilliseconds:0} ms; ratio {bare.TotalMilliseconds / times[0]:0.00}");
        Report.Line($"  new owners known after {answer[0]} ms, first answer after {answer[1]} ms; {cpu.TotalMilliseconds / owned:0.00} ms "
            + "of CPU of the two other nodes per VM");
        report.Bar("recovery", "median under 1 s, worst under 5 s", times[0] < 1000 && times[3] < 5000);
        await installation.Empty();
    }

    private static double Number(string word) => double.Parse(word, CultureInfo.InvariantCulture);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
