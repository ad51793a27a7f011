using Microsoft.AspNetCore.Http;

namespace Orchestrator.Agent;

/// <summary>Leads a request to its host. A simulated host may be deaf or slow here, as a real one is on the wire.</summary>
public interface IHostDoor
{
    /// <returns>Null: no such host here.</returns>
    ValueTask<HostAgent?> Enter(HttpContext request);

    /// <summary>Passed before each piece of an answer leaves.</summary>
    ValueTask Leave(HttpContext request);
}

/// <summary>The door of the one real host: always open.</summary>
public sealed class OpenDoor(HostAgent agent) : IHostDoor
{
    public ValueTask<HostAgent?> Enter(HttpContext request) => new(agent);

    public ValueTask Leave(HttpContext request) => default;
}
