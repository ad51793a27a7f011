namespace Akka.Actor;

public interface IActorRefFactory
{
    /// <summary>Starts an actor. Throws <see cref="InvalidActorNameException"/> when the name is taken or not allowed.</summary>
    IActorRef ActorOf(Props props, string? name = null);
}

public interface ICanWatch
{
    /// <summary>Asks for one <see cref="Terminated"/> when the subject has stopped.</summary>
    IActorRef Watch(IActorRef subject);

    /// <summary>As <see cref="Watch"/>, with a message of one's own instead of <see cref="Terminated"/>.</summary>
    IActorRef WatchWith(IActorRef subject, object message);

    /// <summary>After this, no notice of the subject's death is handed out, not even one that is already queued.</summary>
    IActorRef Unwatch(IActorRef subject);
}

public delegate bool Receive(object message);

public delegate void UntypedReceive(object message);

/// <summary>What an actor sees of itself while it handles a message. Not for other threads.</summary>
public interface IActorContext : IActorRefFactory, ICanWatch
{
    IActorRef Self { get; }

    Props Props { get; }

    IActorRef Sender { get; }

    ActorSystem System { get; }

    IActorRef Parent { get; }

    TimeSpan? ReceiveTimeout { get; }

    void Become(Receive receive);

    void BecomeStacked(Receive receive);

    void UnbecomeStacked();

    /// <summary>The child of that name, or <see cref="ActorRefs.Nobody"/>.</summary>
    IActorRef Child(string name);

    IEnumerable<IActorRef> GetChildren();

    /// <summary>Sends <see cref="ReceiveTimeout"/> after each idle time of this length; null ends that.</summary>
    void SetReceiveTimeout(TimeSpan? timeout);

    void Stop(IActorRef child);
}

public interface IUntypedActorContext : IActorContext
{
    void Become(UntypedReceive receive);

    void BecomeStacked(UntypedReceive receive);
}
