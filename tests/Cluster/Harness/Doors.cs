using System.Collections.Concurrent;
using System.Diagnostics;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>Knocks at every node over a new connection, twice a second, and notes how long the answer takes. What is
/// asked for needs no database: who waits here waits for a thread of the node.</summary>
public sealed class Doors
{
    private static readonly TimeSpan _every = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentBag<TimeSpan> _waits = [];
    private readonly Task _knocking;
    private volatile bool _over;

    private Doors(TestCluster cluster) =>
        _knocking = Task.WhenAll(Enumerable.Range(0, cluster.Nodes.Count).Select(n => Knock(cluster, n)));

    public static Doors Watch(TestCluster cluster) => new(cluster);

    /// <returns>The slowest answer.</returns>
    public async Task<TimeSpan> Stop()
    {
        _over = true;
        await _knocking;
        return _waits.Max();
    }

    private async Task Knock(TestCluster cluster, int node)
    {
        while (!_over)
        {
            using var stranger = cluster.NewClient(TimeSpan.FromSeconds(60));
            var clock = Stopwatch.StartNew();
            if (await stranger.Knock(node) is var status and not 401)
                throw new InvalidOperationException($"node {node} answered a stranger with {status}, not 401");
            _waits.Add(clock.Elapsed);
            await Wait.Pass(_every);
        }
    }
}
