using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>Carries messages to other nodes: at most once, in order for one pair of nodes, never blocking.</summary>
internal interface IRemoteTransport
{
    void Send(RemoteActorRef recipient, object message, IActorRef? sender);
}
