using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Ledgers;

/// <summary>
/// The highest lease a host has seen for a VM. <see cref="Ended"/> is a tombstone: it never starts again.
/// <see cref="Forgotten"/>: the engine knows how it ended, only the number is kept.
/// </summary>
public sealed record LeaseRecord(Guid Vm, long Lease, bool Ended = false, bool Forgotten = false)
{
    public GuestExit Exit { get; init; }
    public string? ExitMessage { get; init; }
}
