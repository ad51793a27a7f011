namespace Orchestrator.Agent.Simulated;

/// <summary>A lease that a migration may arrive under; <see cref="Arriving"/> once its stopped process is there.</summary>
internal sealed class Awaited(GuestKey key)
{
    public GuestKey Key { get; } = key;
    public bool Arriving { get; set; }
}
