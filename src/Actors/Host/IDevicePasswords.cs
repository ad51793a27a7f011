namespace Orchestrator.Actors.Host;

/// <summary>Passwords of fence devices, kept encrypted outside the journal and known to it by name only.</summary>
public interface IDevicePasswords
{
    /// <summary>Null when there is none of that name.</summary>
    Task<string?> Get(string name, CancellationToken cancel);

    /// <summary>One that is not there is no error.</summary>
    Task Remove(string name, CancellationToken cancel) => Task.CompletedTask;
}
