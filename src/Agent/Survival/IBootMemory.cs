namespace Orchestrator.Agent.Survival;

/// <summary>What an agent leaves to the next one of the same boot; lost with the machine's power.</summary>
public interface IBootMemory
{
    string? Lease { get; set; }

    /// <summary>All guests of the boot so far are dead: what follows counts as another boot.</summary>
    /// <returns>Its id.</returns>
    string BeginAnew();
}
