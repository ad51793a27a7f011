using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Starts;

/// <summary>CPU time of everything that is ours and of PostgreSQL; the client, this process, is not in it.</summary>
internal sealed record Cost(TimeSpan Nodes, TimeSpan Fleet, TimeSpan Postgres)
{
    public TimeSpan Total => Nodes + Fleet + Postgres;

    public static Cost Now(TestCluster cluster) => new(
        cluster.Nodes.Aggregate(TimeSpan.Zero, (sum, node) => sum + ProcessCost.Cpu(node.Pid)),
        ProcessCost.Cpu(cluster.Fleet.Pid),
        cluster.Postgres.Pid is { } pid ? ProcessCost.CpuWithChildren(pid) : TimeSpan.Zero);

    public static Cost operator -(Cost after, Cost before) =>
        new(after.Nodes - before.Nodes, after.Fleet - before.Fleet, after.Postgres - before.Postgres);

    /// <summary>Milliseconds per piece of work, by part.</summary>
    public string Per(int pieces) => FormattableString.Invariant(
        $"{Total.TotalMilliseconds / pieces:0.00} ms CPU each (nodes {Nodes.TotalMilliseconds / pieces:0.00}, fleet ")
        + FormattableString.Invariant(
        $"{Fleet.TotalMilliseconds / pieces:0.00}, PostgreSQL {Postgres.TotalMilliseconds / pieces:0.00})");
}
