using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Bench.Lists;
using Orchestrator.Tests.Cluster.Harness;

// Bars 4 and 5 of the API: lists of 1,000 VMs at the client, and reading what was just written at any node.
const int Clients = 16;
const int Rounds = 40;
const int WarmUp = 60;
const int Writes = 60;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var count = args is [var first, ..] && int.TryParse(first, out var asked) ? asked : 1000;

if (TestCluster.Obstacle is { } obstacle)
{
    Console.Error.WriteLine($"cannot measure here: {obstacle}");
    return 2;
}

var missed = 0;
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
        Console.WriteLine($"{count} VMs with a NIC each are created over REST, and started");
        var ids = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (number, _) =>
        {
            var made = await Accepted(rest, number % rest.Nodes, HttpMethod.Post, "vms", Vm($"list-{number:0000}"));
            var id = made.Json!["id"]!.GetValue<string>();
            ids.Add(id);
            await Accepted(rest, number % rest.Nodes, HttpMethod.Post, $"vms/{id}/start", []);
        });
        await Wait.Until(async () => (await rest.Once(0, HttpMethod.Get, "", null)).Json?["summary"]?["vms"]?["active"]?.ToString()
            == count.ToString(CultureInfo.InvariantCulture), TimeSpan.FromMinutes(3), "all VMs are up");

        // Attachments are put into the documents themselves: the simulated hosts have no storage.
        await cluster.Postgres.Execute("""
            UPDATE read.objects SET doc = jsonb_set(doc, '{config,disks}', jsonb_build_array(jsonb_build_object(
                'disk', gen_random_uuid(), 'interface', 'virtio_scsi', 'bootable', true, 'active', true, 'readOnly', false, 'passDiscard', true)))
            WHERE kind = 'vm'
            """);
        await cluster.Postgres.Execute("ANALYZE read.objects");

        Console.WriteLine($"median and worst of {Rounds} requests at the client, the answer read to its end; one client, one node");
        await Bar(rest, "GET /vms", "vms", 150, count);
        await Bar(rest, "GET /vms?search=name=list-0*&max=50", "vms?search=name%3Dlist-0*&max=50", 20, 50);
        await Bar(rest, "GET /vms?search=status=up and host.name=*&max=50", "vms?search=status%3Dup%20and%20host.name%3D*&max=50", 20, 50);
        await Bar(rest, "GET /vms?search=memory>1 sortby creationdate desc&max=50",
            "vms?search=memory%3E1%20sortby%20creationdate%20desc&max=50", 20, 50);
        await Bar(rest, "GET /vms?follow=nics,disk_attachments", "vms?follow=nics,disk_attachments", null, count);
        await ReadYourWrites(rest);
        var seen = await EventsSeen.Measure(cluster, rest);
        Verdict("after a 201 until the event streams of all nodes tell it", seen[seen.Count / 2], seen[^1], 1000, "a stream at each node");
    });
Console.WriteLine(missed == 0 ? "all bars are kept" : $"{missed} bars are MISSED");
return missed == 0 ? 0 : 1;

static JsonObject Vm(string name) => new()
{
    ["name"] = name,
    ["memory"] = (64L << 20).ToString(CultureInfo.InvariantCulture),
    ["memory_policy"] = new JsonObject { ["guaranteed"] = (64L << 20).ToString(CultureInfo.InvariantCulture) },
    ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
    ["template"] = new JsonObject { ["name"] = "Blank" },
    ["nics"] = new JsonObject { ["nic"] = new JsonArray(new JsonObject { ["name"] = "nic1" }) },
};

async Task Bar(OvirtClient rest, string what, string path, double? limit, int expected)
{
    var times = new List<double>();
    var length = 0;
    for (var round = -WarmUp; round < Rounds; round++)
    {
        var answer = await Accepted(rest, 0, HttpMethod.Get, path, null);
        if (round >= 0) times.Add(answer.Took.TotalMilliseconds);
        if (round > -WarmUp) continue;
        length = answer.Body.Length;
        var found = answer.Json!["vm"]!.AsArray();
        if (found.Count != expected) throw new InvalidOperationException($"{what} answered {found.Count} VMs, not {expected}");
        if (path.Contains("follow", StringComparison.Ordinal) && !found.All(vm => vm!["nics"]?["nic"] is JsonArray { Count: 1 }
                && vm["disk_attachments"]?["disk_attachment"] is JsonArray { Count: 1 }))
            throw new InvalidOperationException($"{what} did not put NICs and disk attachments into every VM");
    }

    times.Sort();
    Verdict(what, times[times.Count / 2], times[^1], limit, $"{length / 1024} KiB");
}

// After a 201 or 200 any node's GET shows it at once; a list within 200 ms.
async Task ReadYourWrites(OvirtClient rest)
{
    var (stale, slowest, lists) = (0, 0.0, new List<double>());
    for (var number = 0; number < Writes; number++)
    {
        var made = await Accepted(rest, number % rest.Nodes, HttpMethod.Post, "vms", Vm($"own-{number:000}"));
        var written = Stopwatch.StartNew();
        var path = $"vms/{made.Json!["id"]!.GetValue<string>()}";
        for (var node = 0; node < rest.Nodes; node++)
        {
            if ((await rest.Once(node, HttpMethod.Get, path, null)).Status != 200) stale++;
            slowest = Math.Max(slowest, written.Elapsed.TotalMilliseconds);
        }

        for (var node = 0; node < rest.Nodes; node++)
        {
            while ((await rest.Once(node, HttpMethod.Get, $"vms?search=name%3Down-{number:000}", null)).Json?["vm"] is null)
                if (written.Elapsed > TimeSpan.FromSeconds(10)) throw new InvalidOperationException($"node {node} never listed {path}");
        }

        lists.Add(written.Elapsed.TotalMilliseconds);
        await Accepted(rest, (number + 1) % rest.Nodes, HttpMethod.Put, path, new JsonObject { ["comment"] = $"c{number}" });
        for (var node = 0; node < rest.Nodes; node++)
            if ((await rest.Once(node, HttpMethod.Get, path, null)).Json?["comment"]?.ToString() != $"c{number}") stale++;
    }

    lists.Sort();
    Verdict($"stale answers of {Writes * 6} GETs right after a 201 or 200", stale, stale, 0.5, "answers");
    Verdict("after a 201 until the lists of all nodes show it", lists[lists.Count / 2], lists[^1], 200, "all three asked in turn");
}

void Verdict(string what, double median, double worst, double? limit, string note)
{
    var kept = limit is null || median < limit;
    if (!kept) missed++;
    Console.WriteLine($"  {(limit is null ? "      " : kept ? "kept  " : "MISSED")}  {what,-58} {(limit is { } bar ? $"{bar,6:0.#}" : "     -")}  "
        + $"{median,7:0.0}  worst {worst,7:0.0}  {note}");
}

static async Task<Answer> Accepted(OvirtClient rest, int node, HttpMethod method, string path, JsonObject? body)
{
    var answer = await rest.Once(node, method, path, body);
    return answer.IsAccepted ? answer : throw new InvalidOperationException($"{method} {path}: {answer}");
}
