namespace Orchestrator.Demo;

/// <param name="Host">Number of the host whose process it is; 0 when it belongs to no host that is on.</param>
/// <param name="Incoming">Started to receive a migration; it keeps that mark for the rest of its life.</param>
public sealed record GuestProcess(int Host, int Pid, bool Incoming, DateTimeOffset Started);
