namespace Orchestrator.Agent.Survival;

/// <summary>Resets the machine unless it is petted. It goes on when the agent ends, whatever the reason.</summary>
public interface IWatchdog
{
    /// <summary>Arms it, or takes it over from the agent before.</summary>
    /// <returns>How long it waits for the next pet.</returns>
    /// <exception cref="IOException">There is none, or another program has it.</exception>
    TimeSpan Arm();

    void Pet();

    /// <summary>Only for a host without guests.</summary>
    void Disarm();
}
