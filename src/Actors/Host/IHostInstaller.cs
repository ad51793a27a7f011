namespace Orchestrator.Actors.Host;

/// <summary>Brings the agent to hosts over SSH. All that it does can be done once more, by another node too.</summary>
public interface IHostInstaller
{
    /// <param name="step">Told how far it is; with the fingerprint of the host's SSH key when that was not known.</param>
    Task<InstallEnd> Run(InstallOrder order, Action<string, string?> step, CancellationToken cancel);
}

/// <param name="Password">For the login; null: the engine's own key.</param>
public sealed record InstallOrder(HostId Host, HostConfig Config, DeployKind Kind, string User, string? Password)
{
    /// <summary>Without the password.</summary>
    public override string ToString() => $"{Kind} of host {Config.Name}";
}

public sealed record InstallEnd(bool Ok, string Message);
