namespace Orchestrator.Agent.Protocol;

/// <summary>A way to a host's machine besides its agent: fencing without the power.</summary>
public interface ISoftFence
{
    /// <summary>Restarts the agent of the machine at that address; its guests run on. Ends by itself within seconds.</summary>
    Task<SoftFenceResult> RestartAgent(string address, CancellationToken cancel);
}

/// <param name="Ok">The machine has said that the agent is restarted.</param>
/// <param name="Message">What it said, or why nothing came of it.</param>
public sealed record SoftFenceResult(bool Ok, string Message);
