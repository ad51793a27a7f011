using Akka.Actor;
using Orchestrator.Engine.Remote;

namespace Orchestrator.Engine;

/// <summary>Carries messages to other nodes: at most once, in order for one pair of nodes, never blocking. Only members
/// of the present view are listened to, and nothing leaves while this node may not act.</summary>
internal interface IRemoteTransport : IAsyncDisposable
{
    LocalSystem System { get; }

    string PublicHost { get; }

    int Port { get; }

    /// <summary>Set before the first message can come or go.</summary>
    NodeMembership Membership { get; set; }

    /// <summary>Takes what arrives for an entity, and what could not be sent to the node that was thought to have it.</summary>
    Action<RoutedMessage> Route { get; set; }

    void Send(RemoteActorRef recipient, object message, IActorRef? sender);

    void Send(NodeDescription node, RoutedMessage message);

    void OnView(ClusterView view);
}
