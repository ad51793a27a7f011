using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>Who speaks outside of any actor; the test kit's actor, in a test.</summary>
internal static class ImplicitSender
{
    private static readonly AsyncLocal<IActorRef?> Ambient = new();

    public static IActorRef Current => ActorCell.Current?.Self ?? Ambient.Value ?? ActorRefs.NoSender;

    public static void Set(IActorRef? sender) => Ambient.Value = sender;
}
