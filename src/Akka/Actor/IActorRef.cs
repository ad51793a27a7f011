using Orchestrator.Engine;

namespace Akka.Actor;

public interface ICanTell
{
    /// <summary>Sends a message: at most once, in order for one sender and one receiver, never blocking.</summary>
    void Tell(object message, IActorRef sender);
}

/// <summary>The handle of one incarnation of an actor; it stays valid, as a way to dead letters, after its death.</summary>
public interface IActorRef : ICanTell, IEquatable<IActorRef>, IComparable<IActorRef>, IComparable
{
    ActorPath Path { get; }
}

public static class ActorRefs
{
    /// <summary>Says that there is nobody to answer; the receiver sees dead letters as the sender.</summary>
    public static readonly IActorRef NoSender = null!;

    public static readonly Nobody Nobody = Nobody.Instance;
}

public static class ActorRefImplicitSenderExtensions
{
    /// <summary>Sends in the name of the actor that is running on this thread, if there is one.</summary>
    public static void Tell(this IActorRef receiver, object message) =>
        receiver.Tell(message, ImplicitSender.Current);

    /// <summary>Passes a message on with its original sender.</summary>
    public static void Forward(this IActorRef receiver, object message) =>
        receiver.Tell(message, ActorCell.Current?.Sender ?? ActorRefs.NoSender);
}

public static class ActorRefExtensions
{
    public static bool IsNobody(this IActorRef? actorRef) => actorRef is null or Nobody;
}
