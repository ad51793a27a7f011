namespace Orchestrator.Agent;

public static class AgentServer
{
    public static string Version { get; } =
        typeof(AgentServer).Assembly.GetName().Version?.ToString(3) ?? "0";
}
