using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>All nodes are restarted, one after the other, as an operator does it: out of the balancer, SIGTERM, start, back
/// in. The clients try nothing twice.</summary>
public sealed class RollingRestartTests(ITestOutputHelper output)
{
    private const int PerSecond = 50;
    private static readonly TimeSpan _calm = TimeSpan.FromSeconds(3);

    [SkippableFact]
    public async Task A_rolling_restart_under_load_fails_no_request()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var options = new TestClusterOptions { Hosts = 8, AttemptLimit = TimeSpan.FromSeconds(20) };
        await TestCluster.Run(options, Say, async cluster =>
        {
            var load = new SteadyLoad(cluster, Rounds.Seed);
            await load.Make(vms: 40);
            var running = load.Run(PerSecond);
            await Wait.Pass(_calm);
            cluster.Say($"before: {load.Since(0)}");
            foreach (var (node, index) in cluster.Nodes.Select((n, i) => (n, i)))
            {
                var mark = load.Count;
                load.TakeOut(index);
                node.Terminate();
                var code = await node.Exited(TimeSpan.FromSeconds(60));
                var gone = load.Since(mark);
                await node.Start();
                await cluster.UntilReady(node, TimeSpan.FromSeconds(90));
                load.PutBack(index);
                await Wait.Pass(_calm);
                cluster.Say($"{node.Name} left with code {code} while {gone}; until it was back and calm {load.Since(mark)}");
                Assert.Equal(0, code);
            }

            load.Stop();
            await running;
            cluster.Say($"all: {load.Since(0)}");
            foreach (var failure in load.Failures.Take(10)) cluster.Say($"FAILED {failure}");
            Assert.Empty(load.Failures);
            Assert.True(load.Count > 500, $"only {load.Count} requests were sent");
            Verdict.Demand(cluster, await Verdict.Writers(cluster));
        });
    }

    /// <summary>One node comes while another goes, then all are gone at once and come back at once.</summary>
    [SkippableFact]
    public async Task Nodes_that_come_while_others_go_fail_no_request_and_a_restart_of_all_loses_nothing()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var options = new TestClusterOptions { Hosts = 8, AttemptLimit = TimeSpan.FromSeconds(20) };
        await TestCluster.Run(options, Say, async cluster =>
        {
            var load = new SteadyLoad(cluster, Rounds.Seed);
            await load.Make(vms: 40);
            var (first, third) = (cluster.Nodes[0], cluster.Nodes[2]);
            load.TakeOut(2);
            third.Terminate();
            Assert.Equal(0, await third.Exited(TimeSpan.FromSeconds(60)));
            var running = load.Run(PerSecond);
            await Wait.Pass(_calm);
            var mark = load.Count;
            load.TakeOut(0);
            await third.Start();
            await Wait.Until(async () => (await cluster.Tables.Members()).Count == 3, TimeSpan.FromSeconds(60), "the third has joined");
            first.Terminate();
            Assert.Equal(0, await first.Exited(TimeSpan.FromSeconds(60)));
            await cluster.UntilReady(third, TimeSpan.FromSeconds(90));
            load.PutBack(2);
            await first.Start();
            await cluster.UntilReady(first, TimeSpan.FromSeconds(90));
            load.PutBack(0);
            await Wait.Pass(_calm);
            load.Stop();
            await running;
            cluster.Say($"one came while another went: {load.Since(mark)}");
            foreach (var failure in load.Failures.Take(10)) cluster.Say($"FAILED {failure}");
            Assert.Empty(load.Failures);

            var before = await Verdict.List(cluster);
            foreach (var node in cluster.Nodes) node.Terminate();
            var codes = await Task.WhenAll(cluster.Nodes.Select(n => n.Exited(TimeSpan.FromSeconds(60))));
            Assert.Equal([0, 0, 0], codes);
            foreach (var node in cluster.Nodes) await node.Start();
            foreach (var node in cluster.Nodes) await cluster.UntilReady(node, TimeSpan.FromSeconds(90));
            Assert.Equal(before, await Verdict.List(cluster));
            var all = await Task.WhenAll(load.Vms.Select((vm, i) => cluster.Client.Once(
                i % 3, HttpMethod.Put, $"vms/{vm}", new JsonObject { ["comment"] = "after all" })));
            Assert.All(all, a => Assert.True(a.IsAccepted, $"{a}"));
            cluster.Say($"all restarted at once: {all.Length} VMs answer, slowest {all.Max(a => a.Took).TotalMilliseconds:0} ms");
            Verdict.Demand(cluster, await Verdict.Writers(cluster));
        });
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }

    /// <summary>Requests at a steady pace, whatever the answers take: reads, lists, updates, starts and stops, creations and
    /// removals, to all nodes that are in the balancer, in turn.</summary>
    private sealed class SteadyLoad(TestCluster cluster, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly ConcurrentQueue<(DateTimeOffset At, Answer Answer, string What)> _done = new();
        private readonly ConcurrentDictionary<int, bool> _out = new();
        private readonly ConcurrentQueue<string> _free = new();
        private readonly List<string> _vms = [];
        private volatile bool _ended;
        private int _turn;
        private int _names;

        public int Count => _done.Count;

        public IReadOnlyList<string> Vms => _vms;

        public IReadOnlyList<string> Failures =>
            [.. _done.Where(d => !d.Answer.IsAccepted).Select(d => $"{d.At:HH:mm:ss.fff} {d.What}: {d.Answer}")];

        public void TakeOut(int node) => _out[node] = true;

        public void PutBack(int node) => _out.TryRemove(node, out _);

        public async Task Make(int vms)
        {
            for (var i = 0; i < vms; i++)
            {
                var answer = await Once(HttpMethod.Post, "vms", NewVm());
                var id = answer.Json!["id"]!.GetValue<string>();
                _vms.Add(id);
                if (i % 2 == 0) _free.Enqueue(id);
            }
        }

        public async Task Run(int perSecond)
        {
            var under = new ConcurrentBag<Task>();
            using var beat = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / perSecond));
            while (!_ended)
            {
                under.Add(One());
                await beat.WaitForNextTickAsync();
            }

            await Task.WhenAll(under);
        }

        public void Stop() => _ended = true;

        public string Since(int mark)
        {
            var times = _done.Skip(mark).Select(d => d.Answer.Took.TotalMilliseconds).Order().ToList();
            var failed = _done.Skip(mark).Count(d => !d.Answer.IsAccepted);
            return times.Count == 0 ? "nothing was asked" : string.Create(CultureInfo.InvariantCulture,
                $"{times.Count} requests, {failed} failed, median {times[times.Count / 2]:0} ms, 99 % "
                + $"{times[times.Count * 99 / 100]:0} ms, slowest {times[^1]:0} ms");
        }

        private async Task One()
        {
            var vm = _vms[_random.Next(_vms.Count)];
            switch (_random.Next(20))
            {
                case < 8:
                    await Once(HttpMethod.Get, $"vms/{vm}", null);
                    break;
                case < 10:
                    await Once(HttpMethod.Get, "vms?max=20", null);
                    break;
                case < 17:
                    await Once(HttpMethod.Put, $"vms/{vm}", new JsonObject { ["comment"] = $"roll-{Interlocked.Increment(ref _names)}" });
                    break;
                case < 19 when _free.TryDequeue(out var mine):
                    await StartAndStop(mine);
                    _free.Enqueue(mine);
                    break;
                default:
                    await MakeAndRemove();
                    break;
            }
        }

        private async Task StartAndStop(string vm)
        {
            await Once(HttpMethod.Post, $"vms/{vm}/start", []);
            await Until(vm, "up");
            await Once(HttpMethod.Post, $"vms/{vm}/stop", []);
            await Until(vm, "down");
        }

        private async Task MakeAndRemove()
        {
            var made = await Once(HttpMethod.Post, "vms", NewVm());
            if (made.Json?["id"]?.GetValue<string>() is { } id) await Once(HttpMethod.Delete, $"vms/{id}", null);
        }

        private Task Until(string vm, string status) => Wait.Until(async () =>
            (await Once(HttpMethod.Get, $"vms/{vm}", null)).Json?["status"]?.GetValue<string>() == status,
            TimeSpan.FromSeconds(60), $"vm {vm} is {status}", beat: TimeSpan.FromMilliseconds(250));

        private JsonObject NewVm() => new()
        {
            ["name"] = $"roll-{seed}-{Interlocked.Increment(ref _names)}",
            ["memory"] = (256L << 20).ToString(CultureInfo.InvariantCulture),
            ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
            ["template"] = new JsonObject { ["name"] = "Blank" },
        };

        private async Task<Answer> Once(HttpMethod method, string path, JsonObject? body)
        {
            int node;
            do node = (int)((uint)Interlocked.Increment(ref _turn) % (uint)cluster.Nodes.Count);
            while (_out.ContainsKey(node));
            var at = DateTimeOffset.UtcNow;
            var answer = await cluster.Client.Once(node, method, path, body);
            _done.Enqueue((at, answer, $"{method} {path} on {cluster.Nodes[node].Name}"));
            return answer;
        }
    }
}
