namespace Orchestrator.Agent.Protocol;

/// <summary>
/// By what right an order comes. <paramref name="Epoch"/> is the owner's epoch of the host entity: the agent refuses
/// any lower than the highest it has seen. <paramref name="BootId"/>, where given, is the machine boot the order was
/// meant for: an order for another boot is refused, because what it was about is gone.
/// </summary>
public sealed record Stamp(long Epoch, string? BootId = null);
