using Akka.Actor;

namespace Orchestrator.Engine.Remote;

/// <summary>A message on its way to an entity, wherever its shard is. <see cref="Version"/> is that of the view by
/// which the last node chose the way: who has an older view asks the store before it judges.</summary>
internal sealed record RoutedMessage(
    string Type, string Shard, string Entity, object Message, IActorRef? Sender, int Hops, long Version);
