namespace Orchestrator.Actors.Host;

/// <summary>Passwords of fence devices, kept encrypted outside the journal and known to it by name only.</summary>
public interface ISecrets
{
    Task<string?> Get(string name, CancellationToken cancel);

    Task Put(string name, string value, CancellationToken cancel);
}
