using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>
/// What a load balancer's clients do during maintenance: so many requests per second, reads and changes in turn, on the
/// nodes that are in service. A request that cannot even reach its node goes to the next one; every other answer than
/// success is a failure, and no request is asked a second time.
/// </summary>
public sealed class SteadyClient : IDisposable
{
    private readonly TestCluster _cluster;
    private readonly IReadOnlyList<Guid> _vms;
    private readonly OvirtClient _rest;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<(TimeSpan Took, Answer Answer)> _answers = [];
    private readonly ConcurrentDictionary<int, bool> _resting = [];
    private readonly Task _running;

    private SteadyClient(TestCluster cluster, IReadOnlyList<Guid> vms, int perSecond)
    {
        (_cluster, _vms) = (cluster, vms);
        _rest = cluster.NewClient(TimeSpan.FromSeconds(20));
        _running = Run(TimeSpan.FromSeconds(1.0 / perSecond));
    }

    public static SteadyClient Start(TestCluster cluster, IReadOnlyList<Guid> vms, int perSecond) => new(cluster, vms, perSecond);

    /// <summary>The load balancer takes a node out of service, or in again.</summary>
    public void Rest(int node) => _resting[node] = true;

    public void Serve(int node) => _resting.TryRemove(node, out _);

    /// <summary>Ends and answers the number of requests, the failed ones and the longest that one took.</summary>
    public async Task<(int Asked, IReadOnlyList<Answer> Failed, TimeSpan Median, TimeSpan Slowest)> Stop()
    {
        await _end.CancelAsync();
        await _running;
        _rest.Dispose();
        var times = _answers.Select(a => a.Took).Order().ToList();
        return (times.Count, [.. _answers.Select(a => a.Answer).Where(a => !a.IsAccepted)], times[times.Count / 2], times[^1]);
    }

    public void Dispose() => _end.Dispose();

    private async Task Run(TimeSpan pace)
    {
        var open = new List<Task>();
        using var timer = new PeriodicTimer(pace);
        try
        {
            for (var number = 0; await timer.WaitForNextTickAsync(_end.Token); number++)
            {
                open.Add(One(number));
                if (number % 50 == 0) open.RemoveAll(t => t.IsCompletedSuccessfully);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task One(int number)
    {
        var vm = _vms[number % _vms.Count];
        var change = new JsonObject { ["comment"] = number.ToString(CultureInfo.InvariantCulture) };
        var began = DateTimeOffset.UtcNow;
        for (var step = 0; ; step++)
        {
            var node = (number + step) % _rest.Nodes;
            if (_resting.ContainsKey(node)) continue;
            var answer = number % 2 == 0
                ? await _rest.Once(node, HttpMethod.Get, $"vms/{vm}", null)
                : await _rest.Once(node, HttpMethod.Put, $"vms/{vm}", change);
            if (answer is { Outcome: Outcome.Refused, Status: 0 } && step < 2 * _rest.Nodes) continue;
            if (!answer.IsAccepted) _cluster.Log.Add("harness", $"FAILED request {number} on node {node}: {answer}");
            _answers.Add((DateTimeOffset.UtcNow - began, answer));
            return;
        }
    }
}
