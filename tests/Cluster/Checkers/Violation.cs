namespace Orchestrator.Tests.Cluster.Checkers;

/// <summary>A promise that was broken, in words that name the evidence.</summary>
public sealed record Violation(string Promise, string Evidence)
{
    public override string ToString() => $"{Promise}: {Evidence}";
}
