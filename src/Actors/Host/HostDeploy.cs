using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Install: the agent comes to the host over SSH, with a certificate. Upgrade: the agent's new version takes the place of
/// the one that runs; guests run on. Enroll: a new certificate over the agent's own channel.</summary>
public enum DeployKind { Install, Upgrade, Enroll }

/// <summary>Work on the host's own software that is under way.</summary>
/// <param name="Number">Of this work; words about an earlier one are dropped.</param>
public sealed record HostDeploy(DeployKind Kind, long Number, Job Job)
{
    /// <summary>Log in with the password that is kept under <see cref="HostDeploying.SecretOf"/>; else with the engine's key.</summary>
    public bool WithPassword { get; init; }

    /// <summary>After the installation the host is to take guests; else it is in maintenance.</summary>
    public bool Activate { get; init; } = true;

    /// <summary>How far it is.</summary>
    public string Step { get; init; } = "";
}

/// <summary>How the engine logs in to the host.</summary>
/// <param name="Fingerprint">Of the host's SSH key, SHA256:…; empty: that of the first login is taken.</param>
public sealed record SshAccess(string User, int Port, string Fingerprint);

/// <summary>The certificate that a host shows.</summary>
/// <param name="Trouble">Why it was not renewed; empty: nothing is wrong.</param>
public sealed record HostCertificate(DateTimeOffset Until, Urgency Urgency, string Trouble);
