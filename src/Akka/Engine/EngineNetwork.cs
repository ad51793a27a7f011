namespace Orchestrator.Engine;

/// <summary>How the systems of one test or simulation reach each other without sockets.</summary>
public abstract class EngineNetwork
{
    internal abstract IRemoteTransport Open(LocalSystem system, string host, int port);
}
