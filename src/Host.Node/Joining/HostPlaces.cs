using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>Where a host's agent keeps what it needs: where a system looks for it, or all under one folder.</summary>
/// <param name="Root">Empty: the system's own folders.</param>
internal sealed record HostPlaces(string Root)
{
    public string Settings => Root == "" ? "/etc/orchestrator" : Path.Combine(Root, "etc");

    public string State => Root == "" ? "/var/lib/orchestrator/agent" : Path.Combine(Root, "state");

    /// <summary>Lost when the machine stops.</summary>
    public string Run => Root == "" ? "/run/orchestrator/agent" : Path.Combine(Root, "run");

    public string Config => Path.Combine(Settings, "agent.conf");

    /// <summary>The agent's process where no systemd watches over it.</summary>
    public string Pid => Path.Combine(Run, "pid");

    public string Log => Path.Combine(State, "agent.log");

    public static string Unit => "/etc/systemd/system/orchestrator-agent.service";

    public string Keys => Path.Combine(Settings, "pki");

    public AgentCredentialFiles Files => new(Path.Combine(Keys, "host.crt"), Path.Combine(Keys, "host.key"), Path.Combine(Keys, "ca.crt"));

    /// <summary>The token that the host came in with; its id alone.</summary>
    public string Token => Path.Combine(Keys, "token");

    public bool UsesSystemd => Root == "" && Directory.Exists("/run/systemd/system");
}
