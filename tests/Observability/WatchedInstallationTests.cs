using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Observability;

/// <summary>Three node processes, PostgreSQL and simulated hosts, seen from outside only.</summary>
public sealed class WatchedInstallationTests(ITestOutputHelper output)
{
    /// <summary>VMs of one run: enough that their entities live on more than one node.</summary>
    private const int Started = 6;
    private const string Caller = "00f067aa0ba902b7";

    /// <summary>One start of one VM is found again in everything that an operator may look at.</summary>
    [SkippableFact]
    public async Task A_start_is_seen_in_traces_metrics_the_journal_and_the_engines_own_view()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        using var collector = OtlpReceiver.Start();
        await Run(collector, async (cluster, http) =>
        {
            await HealthIsTold(cluster, http);
            var vms = new List<Guid>();
            for (var i = 0; i < Started; i++) vms.Add(await Create(cluster, $"traced-{i}"));
            var before = await Metrics(cluster, http);
            var nodes = new HashSet<string>();
            foreach (var vm in vms)
            {
                var trace = ActivityTraceId.CreateRandom().ToHexString();
                var answer = await http.SendAsync(Ask(cluster, 0, HttpMethod.Post, $"ovirt-engine/api/vms/{vm}/start", $"00-{trace}-{Caller}-01"));
                Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
                await Up(cluster, vm);
                nodes.UnionWith(await TraceIsWhole(collector, trace, vm));
                Assert.True(await JournalNames(cluster, vm, trace) > 0, "no event in the journal names the trace of its request");
            }

            Assert.True(nodes.Count > 1, $"all entities of {Started} starts live on {string.Join(", ", nodes)}: no trace crossed nodes");
            await MetricsAreTrue(cluster, http, before);
            await ViewIsTrue(cluster, http, vms[0]);
            Assert.Empty(collector.Mistakes);
            await Wait.Until(() => Task.FromResult(collector.Metrics.Contains(("orchestrator-engine", "orchestrator.journal.write.duration"))
                    && collector.Metrics.Contains(("orchestrator-engine", "http.server.request.duration"))
                    && collector.Metrics.Contains(("orchestrator-fleet", "orchestrator.agent.orders"))),
                TimeSpan.FromSeconds(20), "metrics arrive by OTLP", () => string.Join(", ", collector.Metrics));
        });
    }

    /// <summary>A VM that does not get on is named, with the reason, by any node, also while its owner is frozen.</summary>
    [SkippableFact]
    public async Task What_is_stuck_is_named_with_its_reason_and_a_frozen_owner_is_said_to_be_silent()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        using var collector = OtlpReceiver.Start();
        await Run(collector, async (cluster, http) =>
        {
            using var control = new HttpClient();
            for (var host = 1; host <= cluster.Options.Hosts; host++)
                (await control.PutAsync(
                    new Uri($"http://127.0.0.1:{cluster.Fleet.Config.ControlPort}/control/hosts/{host}/faults"),
                    new StringContent("""{"launchHangs": true}""", Encoding.UTF8, "application/json"))).EnsureSuccessStatusCode();
            var vm = await Create(cluster, "stuck");
            Assert.True((await cluster.Client.Send(HttpMethod.Post, $"vms/{vm}/start", [], TimeSpan.FromSeconds(20))).IsAccepted);

            JsonNode stuck = null!;
            await Wait.Until(async () =>
            {
                stuck = await Json(cluster, http, 1, "orchestrator/v1/stuck?older-than=2");
                return stuck["entities"]!.AsArray().Any(e => e!["id"]!.GetValue<string>() == vm.ToString());
            }, TimeSpan.FromSeconds(20), "the VM is among what is stuck", () => stuck.ToJsonString());
            var mine = stuck["entities"]!.AsArray().Single(e => e!["id"]!.GetValue<string>() == vm.ToString())!;
            Assert.Equal("stuck", mine["name"]!.GetValue<string>());
            Assert.Contains("waiting for the start on host-", mine["sentence"]!.GetValue<string>());
            Assert.True(mine["seconds"]!.GetValue<double>() >= 2);

            var told = await Entity(cluster, http, 2, vm.ToString());
            Say(told);
            Assert.Contains(told.Sentences, s => s.Contains("waiting for the start on host-", StringComparison.Ordinal));
            Assert.Contains(told.Sentences, s => s.Contains("It waits for host host-", StringComparison.Ordinal));
            Assert.Contains(told.Sentences, s => s.Contains("Launching VM stuck", StringComparison.Ordinal));
            var debt = told.Json["self"]!["debts"]!.AsArray().Single()!;
            Assert.True(debt["said"]!.GetValue<int>() >= 1);

            var owner = cluster.Nodes.Single(n => told.Json["owner"]!["address"]!.GetValue<string>()
                == $"{n.Config.Address}:{n.Config.ClusterPort}");
            var asked = (cluster.Nodes.ToList().IndexOf(owner) + 1) % cluster.Nodes.Count;
            await Json(cluster, http, asked, $"orchestrator/v1/entities/vm/{vm}");
            owner.Freeze();
            await Wait.Until(() => Task.FromResult(Signals.Stat(owner.Pid)?[0] == "T"), TimeSpan.FromSeconds(5), "the owner stands still");
            var clock = Stopwatch.StartNew();
            var frozen = await Entity(cluster, http, asked, vm.ToString());
            output.WriteLine($"answered after {clock.ElapsedMilliseconds} ms while the owner was frozen");
            Say(frozen);
            // The limits inside add up to 0.85 s; the rest is a busy machine.
            Assert.True(clock.ElapsedMilliseconds < 3000, $"the answer took {clock.ElapsedMilliseconds} ms");
            Assert.Contains(frozen.Sentences, s => s.Contains("no answer within", StringComparison.Ordinal)
                || s.Contains("is owned by", StringComparison.Ordinal));
            Assert.Contains("frozen or cut off", string.Join('\n', frozen.Sentences));
            Assert.Equal("wait_for_launch", frozen.Json["document"]!["status"]!.GetValue<string>());

            // Another node takes the shard, and tells the same story: since when is not forgotten.
            Told after = null!;
            await Wait.Until(async () =>
            {
                after = await Entity(cluster, http, asked, vm.ToString());
                return after.Json["self"]?["isResident"]?.GetValue<bool>() == true;
            }, TimeSpan.FromSeconds(40), "the VM answers on another node", () => string.Join('\n', after.Sentences));
            Say(after);
            Assert.NotEqual(told.Json["owner"]!["address"]!.GetValue<string>(), after.Json["owner"]!["address"]!.GetValue<string>());
            Assert.True(DateTimeOffset.Parse(after.Json["self"]!["debts"]![0]!["since"]!.GetValue<string>(), CultureInfo.InvariantCulture)
                < DateTimeOffset.Parse(after.Json["self"]!["residentSince"]!.GetValue<string>(), CultureInfo.InvariantCulture));
            owner.Thaw();
        });
    }

    private static async Task HealthIsTold(TestCluster cluster, HttpClient http)
    {
        for (var node = 0; node < cluster.Nodes.Count; node++)
        {
            var ready = await http.GetAsync(new Uri(cluster.Nodes[node].Config.Api, "health/ready"));
            var text = await ready.Content.ReadAsStringAsync();
            Assert.True(ready.IsSuccessStatusCode, text);
            Assert.True(JsonNode.Parse(text)!["ready"]!.GetValue<bool>(), text);
            Assert.Equal("primary", JsonNode.Parse(text)!["database"]!["role"]!.GetValue<string>());
            var live = await http.GetStringAsync(new Uri(cluster.Nodes[node].Config.Api, "health/live"));
            Assert.Equal("live", JsonNode.Parse(live)!["status"]!.GetValue<string>());
            Assert.Equal("DB Up!Welcome to Health Status!",
                await http.GetStringAsync(new Uri(cluster.Nodes[node].Config.Api, "ovirt-engine/services/health")));
        }
    }

    /// <summary>api → vm → journal → cluster → vm → host → order → agent, each under the one before it.</summary>
    /// <returns>The engine nodes that had a part in it.</returns>
    private async Task<IEnumerable<string>> TraceIsWhole(OtlpReceiver collector, string trace, Guid vm)
    {
        string[] chain =
        [
            "POST vms/{id}/start", "vm Start", "cluster Place", "vm OfferHost", "host Launch", "order Launch", "agent Launch",
        ];
        IReadOnlyList<GotSpan> spans = [];
        await Wait.Until(() =>
        {
            spans = [.. collector.Spans.Where(s => s.Trace == trace)];
            return Task.FromResult(chain.All(name => spans.Any(s => s.Name == name)));
        }, TimeSpan.FromSeconds(20), $"the trace of VM {vm} is whole", () => Tree(spans));
        output.WriteLine(Tree(spans));
        var root = spans.Single(s => s.Name == chain[0]);
        Assert.Equal(Caller, root.Parent);
        var byId = spans.ToDictionary(s => s.Id);
        for (var i = 1; i < chain.Length; i++)
        {
            var span = spans.First(s => s.Name == chain[i]);
            var above = span;
            while (above.Name != chain[i - 1] && byId.TryGetValue(above.Parent, out var parent)) above = parent;
            Assert.True(above.Name == chain[i - 1], $"{chain[i]} does not lie under {chain[i - 1]}:\n{Tree(spans)}");
        }

        Assert.Contains(spans, s => s.Name == "journal write" && byId[s.Parent].Name == "vm Start");
        Assert.All(spans, s => Assert.True(s.End >= s.Start));
        Assert.Contains(spans, s => s.Service == "orchestrator-fleet");
        Assert.All(spans.Where(s => s.Id != root.Id), s => Assert.True(byId.ContainsKey(s.Parent), $"{s.Name} has no parent:\n{Tree(spans)}"));
        return spans.Where(s => s.Service == "orchestrator-engine").Select(s => s.Instance);
    }

    private static async Task<long> JournalNames(TestCluster cluster, Guid vm, string trace)
    {
        await using var database = NpgsqlDataSource.Create(cluster.Postgres.ConnectionString);
        await using var ask = database.CreateCommand(
            "SELECT count(*) FROM akka.journal WHERE persistence_id = $1 AND position($2 in convert_from(message, 'UTF8')) > 0");
        ask.Parameters.Add(new NpgsqlParameter { Value = $"vm-{vm}" });
        ask.Parameters.Add(new NpgsqlParameter { Value = trace });
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    private static async Task MetricsAreTrue(
        TestCluster cluster, HttpClient http, IReadOnlyList<IReadOnlyDictionary<string, PromFamily>> before)
    {
        var after = await Metrics(cluster, http);
        for (var node = 0; node < after.Count; node++)
        {
            var now = after[node].Values.SelectMany(f => f.Samples).ToDictionary(PrometheusReader.Key, s => s.Value);
            foreach (var sample in before[node].Values.Where(f => f.Type is "counter" or "histogram").SelectMany(f => f.Samples))
                Assert.True(now.GetValueOrDefault(PrometheusReader.Key(sample), -1) >= sample.Value,
                    $"{PrometheusReader.Key(sample)} fell from {sample.Value} to {now.GetValueOrDefault(PrometheusReader.Key(sample), -1)}");
        }

        Assert.Equal(Started, Sum(after, "orchestrator_host_orders_total", ("order", "launch"), ("outcome", "accepted"))
            - Sum(before, "orchestrator_host_orders_total", ("order", "launch"), ("outcome", "accepted")));
        Assert.True(Sum(after, "orchestrator_entity_commands_total", ("kind", "vm"), ("outcome", "accepted"))
            >= Sum(before, "orchestrator_entity_commands_total", ("kind", "vm"), ("outcome", "accepted")) + (4 * Started));
        Assert.True(Sum(after, "orchestrator_journal_writes_total", ("outcome", "written"))
            >= Sum(before, "orchestrator_journal_writes_total", ("outcome", "written")) + (4 * Started));
        Assert.Equal(0, Sum(after, "orchestrator_journal_writes_total", ("outcome", "not_owner")));
        Assert.Equal(7 * 30, Sum(after, "orchestrator_shard_owned"));
        Assert.Equal(3, Sum(after, "orchestrator_membership_may_act"));
        Assert.Equal(cluster.Options.Hosts, Sum(after, "orchestrator_agent_links", ("state", "reached")));
        Assert.True(Sum(after, "orchestrator_entity_resident", ("kind", "host")) == cluster.Options.Hosts);
        Assert.True(Sum(after, "orchestrator_actor_messages_total") > Sum(before, "orchestrator_actor_messages_total"));
        Assert.True(Sum(after, "orchestrator_remote_frames_total", ("direction", "transmit")) > 0);
        Assert.Equal(Started, Sum(after, "http_server_request_duration_seconds", "http_server_request_duration_seconds_count",
            ("orchestrator_resource", "vms/{id}/start"), ("http_response_status_code", "200")));

        // OpenMetrics, to who asks for it.
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Nodes[0].Config.Api, "metrics"));
        request.Headers.Accept.ParseAdd("application/openmetrics-text;version=1.0.0");
        var open = await http.SendAsync(request);
        Assert.Equal("application/openmetrics-text", open.Content.Headers.ContentType!.MediaType);
        Assert.Contains("orchestrator_journal_writes", PrometheusReader.Read(await open.Content.ReadAsStringAsync(), open: true).Keys);
    }

    private async Task ViewIsTrue(TestCluster cluster, HttpClient http, Guid vm)
    {
        var nodes = await Json(cluster, http, 1, "orchestrator/v1/nodes");
        foreach (var node in nodes["nodes"]!.AsArray()) output.WriteLine(node!["sentence"]!.GetValue<string>());
        Assert.Equal(["n1", "n2", "n3"], nodes["nodes"]!.AsArray().Select(n => n!["report"]!["name"]!.GetValue<string>()).Order());
        Assert.All(nodes["nodes"]!.AsArray(), n =>
        {
            Assert.True(n!["report"]!["mayAct"]!.GetValue<bool>());
            Assert.Equal("primary", n["report"]!["database"]!["role"]!.GetValue<string>());
        });

        var told = new List<Told>();
        for (var node = 0; node < cluster.Nodes.Count; node++) told.Add(await Entity(cluster, http, node, vm.ToString()));
        Say(told[0]);
        Assert.Single(told.Select(t => $"{t.Json["owner"]!["address"]} {t.Json["owner"]!["epoch"]} {t.Json["shard"]}").Distinct());
        Assert.All(told, t =>
        {
            Assert.Equal("Up", t.Json["self"]!["phase"]!.GetValue<string>());
            Assert.Contains("It waits for nothing.", t.Sentences);
        });
        Assert.Contains("vm.came-up.1", told[0].Json["events"]!.AsArray().Select(e => e!["name"]!.GetValue<string>()));
        Assert.Equal("traced-0", (await Entity(cluster, http, 0, "traced-0")).Json["name"]!.GetValue<string>());

        var shards = await Json(cluster, http, 2, "orchestrator/v1/shards");
        var mine = shards["shards"]!.AsArray().Single(s => s!["kind"]!.GetValue<string>() == "vm"
            && s["shard"]!.GetValue<string>() == told[0].Json["shard"]!.GetValue<string>())!;
        Assert.Equal(told[0].Json["owner"]!["address"]!.GetValue<string>(), mine["ownerAddress"]!.GetValue<string>());

        // An id of which nothing is known, a name of nobody, a kind that is none, and no password.
        Assert.Contains("Nothing is known of", string.Join('\n', (await Entity(cluster, http, 0, Guid.NewGuid().ToString())).Sentences));
        Assert.Equal(404, (int)(await http.SendAsync(Ask(cluster, 0, HttpMethod.Get, "orchestrator/v1/entities/vm/nobody"))).StatusCode);
        Assert.Equal(404, (int)(await http.SendAsync(Ask(cluster, 0, HttpMethod.Get, $"orchestrator/v1/entities/ghost/{vm}"))).StatusCode);
        using var nobody = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Nodes[0].Config.Api, "orchestrator/v1/nodes"));
        Assert.Equal(401, (int)(await http.SendAsync(nobody)).StatusCode);
    }

    private async Task Run(OtlpReceiver collector, Func<TestCluster, HttpClient, Task> body)
    {
        using var trusting = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
        };
        using var http = new HttpClient(trusting) { Timeout = TimeSpan.FromSeconds(10) };
        await TestCluster.Run(new TestClusterOptions
        {
            Hosts = 3,
            Watched = false,
            Extra = $$"""
                telemetry.otlp.endpoint = "{{collector.Endpoint}}"
                telemetry.otlp.metrics-every = 1 s
                telemetry.otlp.sampling = 0.5
                log.format = "json"
                """,
        }, output.WriteLine, cluster => body(cluster, http));
    }

    private static async Task<Guid> Create(TestCluster cluster, string name)
    {
        var answer = await cluster.Client.Send(HttpMethod.Post, "vms", new JsonObject
        {
            ["name"] = name,
            ["memory"] = (256L << 20).ToString(CultureInfo.InvariantCulture),
            ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
            ["template"] = new JsonObject { ["name"] = "Blank" },
        }, TimeSpan.FromSeconds(20));
        Assert.True(answer.IsAccepted, answer.ToString());
        return Guid.Parse(answer.Json!["id"]!.GetValue<string>());
    }

    private static Task Up(TestCluster cluster, Guid vm) => Wait.Until(async () =>
        (await cluster.Client.Send(HttpMethod.Get, $"vms/{vm}", null, TimeSpan.FromSeconds(5))).Json?["status"]?.GetValue<string>() == "up",
        TimeSpan.FromSeconds(30), "the VM is up");

    private static HttpRequestMessage Ask(TestCluster cluster, int node, HttpMethod method, string path, string? traceparent = null)
    {
        var request = new HttpRequestMessage(method, new Uri(cluster.Nodes[node].Config.Api, path));
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"admin@internal:{cluster.Password}")));
        request.Headers.Accept.ParseAdd("application/json");
        if (traceparent is not null) request.Headers.Add("traceparent", traceparent);
        if (method == HttpMethod.Post) request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        return request;
    }

    private static async Task<JsonNode> Json(TestCluster cluster, HttpClient http, int node, string path)
    {
        using var request = Ask(cluster, node, HttpMethod.Get, path);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    private sealed record Told(JsonNode Json)
    {
        public IReadOnlyList<string> Sentences => [.. Json["sentences"]!.AsArray().Select(s => s!.GetValue<string>())];
    }

    private static async Task<Told> Entity(TestCluster cluster, HttpClient http, int node, string id) =>
        new(await Json(cluster, http, node, $"orchestrator/v1/entities/vm/{id}"));

    private void Say(Told told)
    {
        foreach (var sentence in told.Sentences) output.WriteLine("  " + sentence);
        output.WriteLine("");
    }

    private static async Task<IReadOnlyList<IReadOnlyDictionary<string, PromFamily>>> Metrics(TestCluster cluster, HttpClient http)
    {
        var all = new List<IReadOnlyDictionary<string, PromFamily>>();
        foreach (var node in cluster.Nodes)
        {
            using var answer = await http.GetAsync(new Uri(node.Config.Api, "metrics"));
            Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
            all.Add(PrometheusReader.Read(await answer.Content.ReadAsStringAsync(), open: false));
        }

        return all;
    }

    private static double Sum(
        IReadOnlyList<IReadOnlyDictionary<string, PromFamily>> nodes, string family, params (string Label, string Value)[] where) =>
        Sum(nodes, family, family, where);

    private static double Sum(
        IReadOnlyList<IReadOnlyDictionary<string, PromFamily>> nodes, string family, string sample,
        params (string Label, string Value)[] where) =>
        nodes.Where(n => n.ContainsKey(family)).SelectMany(n => n[family].Samples).Where(s => s.Name == sample
            && where.All(w => s.Labels.GetValueOrDefault(w.Label) == w.Value)).Sum(s => s.Value);

    private static string Tree(IReadOnlyList<GotSpan> spans, string? parent = null, int depth = 0)
    {
        var ids = spans.Select(s => s.Id).ToHashSet();
        return string.Concat(spans.Where(s => parent is null ? !ids.Contains(s.Parent) : s.Parent == parent)
            .OrderBy(s => s.Start).Select(s => string.Create(CultureInfo.InvariantCulture,
                $"{new string(' ', depth * 2)}{s.Name} ({s.Instance}, {(s.End - s.Start) / 1e6:0.0} ms)\n") + Tree(spans, s.Id, depth + 1)));
    }
}
