using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Bench.Starts;
using Orchestrator.Tests.Cluster.Harness;

// Nova's figure: /work/shared/reference/rivals.md, control plane's CPU per VM boot on a fake hypervisor, one by one.
const double RivalMilliseconds = 1800;
const double LimitMilliseconds = 20;
const int Clients = 16;
const int Rounds = 3;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var vms = args is [var first, ..] && int.TryParse(first, out var asked) ? asked : 1000;

if (TestCluster.Obstacle is { } obstacle)
{
    Console.Error.WriteLine($"cannot measure here: {obstacle}");
    return 2;
}

var passed = false;
await TestCluster.Run(
    new TestClusterOptions
    {
        Hosts = 20,
        Launch = TimeSpan.FromMilliseconds(20),
        Boot = TimeSpan.FromMilliseconds(50),
        Durable = true,
        Watched = false,
    },
    Console.WriteLine,
    async cluster =>
    {
        using var rest = cluster.NewClient(TimeSpan.FromSeconds(60));
        await rest.Login(0);

        Console.WriteLine("warming up: 100 VMs are created, started, stopped and removed");
        var warm = await Create(rest, "warm", 100);
        await Act(rest, warm, HttpMethod.Post, "/start");
        await UntilActive(rest, warm.Count);
        await Act(rest, warm, HttpMethod.Post, "/stop");
        await UntilActive(rest, 0);
        await Act(rest, warm, HttpMethod.Delete, "");
        var empty = Memory(cluster);

        var before = Cost.Now(cluster);
        var clock = Stopwatch.StartNew();
        var made = await Create(rest, "bench", vms);
        Console.WriteLine($"{vms} creates: {vms / clock.Elapsed.TotalSeconds:0} per second, "
            + (Cost.Now(cluster) - before).Per(vms));

        var costs = new List<double>();
        var rows = 0L;
        for (var round = 1; round <= Rounds; round++)
        {
            var journal = await cluster.Tables.Count("akka.journal");
            before = Cost.Now(cluster);
            clock.Restart();
            await Act(rest, made, HttpMethod.Post, "/start");
            var accepted = clock.Elapsed;
            await UntilActive(rest, vms);
            var cost = Cost.Now(cluster) - before;
            rows = await cluster.Tables.Count("akka.journal") - journal;
            costs.Add(cost.Total.TotalMilliseconds / vms);
            Console.WriteLine($"round {round}: {vms / clock.Elapsed.TotalSeconds:0} starts per second until up "
                + $"({vms / accepted.TotalSeconds:0} accepted per second), {cost.Per(vms)}, "
                + $"{(double)rows / vms:0.0} journal rows each");
            if (round == Rounds) break;
            await Act(rest, made, HttpMethod.Post, "/stop");
            await UntilActive(rest, 0);
        }

        var full = Memory(cluster);
        Console.WriteLine($"memory of the nodes per 1,000 running VMs: {Megabytes(full.Pss - empty.Pss) * 1000 / vms:0.0} MB "
            + $"proportional, {Megabytes(full.Rss - empty.Rss) * 1000 / vms:0.0} MB resident (from "
            + $"{Megabytes(empty.Pss):0} MB to {Megabytes(full.Pss):0} MB for {cluster.Nodes.Count} nodes)");

        var bytes = (int)await cluster.Tables.Count(
            "generate_series(1, (SELECT coalesce(avg(length(message)), 500)::int FROM akka.journal))");
        foreach (var batch in new[] { 1, 10 })
        {
            var (cpu, took) = await Floor.Insert(cluster.Postgres, Math.Max(rows, 1000), bytes, batch);
            Console.WriteLine($"floor: {Math.Max(rows, 1000)} rows of {bytes} bytes into a table like the journal, {batch} "
                + $"per transaction: {cpu.TotalMilliseconds / Math.Max(rows, 1000):0.000} ms CPU of PostgreSQL per row, "
                + $"{cpu.TotalMilliseconds / vms:0.00} ms per start, {Math.Max(rows, 1000) / took.TotalSeconds:0} rows per second");
        }

        var median = costs.Order().ElementAt(costs.Count / 2);
        passed = median <= LimitMilliseconds;
        Console.WriteLine($"CPU per start: median {median:0.0} ms; Nova {RivalMilliseconds:0} ms, that is "
            + $"{RivalMilliseconds / median:0} times as much; limit {LimitMilliseconds:0} ms: {(passed ? "kept" : "MISSED")}");
    });
return passed ? 0 : 1;

static async Task<List<string>> Create(OvirtClient rest, string prefix, int count)
{
    var ids = new ConcurrentBag<string>();
    await InParallel(Enumerable.Range(0, count), rest, async (number, node) =>
    {
        var answer = await Accepted(rest, node, HttpMethod.Post, "vms", new JsonObject
        {
            ["name"] = $"{prefix}-{number}",
            ["memory"] = (256L << 20).ToString(CultureInfo.InvariantCulture),
            ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
            ["template"] = new JsonObject { ["name"] = "Blank" },
        });
        ids.Add(answer.Json!["id"]!.GetValue<string>());
    });
    return [.. ids];
}

static Task Act(OvirtClient rest, List<string> vms, HttpMethod method, string action) =>
    InParallel(vms, rest, (vm, node) =>
        Accepted(rest, node, method, $"vms/{vm}{action}", method == HttpMethod.Delete ? null : []));

static async Task<Answer> Accepted(OvirtClient rest, int node, HttpMethod method, string path, JsonObject? body)
{
    var answer = await rest.Once(node, method, path, body);
    return answer.IsAccepted ? answer : throw new InvalidOperationException($"{method} {path}: {answer}");
}

static Task InParallel<T>(IEnumerable<T> work, OvirtClient rest, Func<T, int, Task> each)
{
    var next = 0;
    return Parallel.ForEachAsync(work, new ParallelOptions { MaxDegreeOfParallelism = Clients },
        async (item, _) => await each(item, Interlocked.Increment(ref next) % rest.Nodes));
}

// The entry point counts running VMs with one query: the cheapest way to look.
static Task<TimeSpan> UntilActive(OvirtClient rest, int count)
{
    var last = "";
    return Wait.Until(async () =>
    {
        var answer = await rest.Once(0, HttpMethod.Get, "", null);
        last = answer.IsAccepted ? answer.Json?["summary"]?["vms"]?["active"]?.ToString() ?? "" : answer.ToString();
        return last == count.ToString(CultureInfo.InvariantCulture);
    }, TimeSpan.FromMinutes(5), $"{count} VMs run", () => last, TimeSpan.FromMilliseconds(200));
}

static (long Rss, long Pss) Memory(TestCluster cluster) => cluster.Nodes
    .Select(n => ProcessCost.Memory(n.Pid))
    .Aggregate((a, b) => (a.Rss + b.Rss, a.Pss + b.Pss));

static double Megabytes(long bytes) => bytes / 1e6;
