using System.Globalization;
using Akka.Actor;
using Akka.Event;

namespace Orchestrator.Engine;

/// <summary>What every reference of ours is. Equal are references to one incarnation of one place.</summary>
internal abstract class EngineRef : IActorRef
{
    public abstract ActorPath Path { get; }

    /// <summary>Null only for Nobody, which belongs to no system.</summary>
    public abstract LocalSystem? Engine { get; }

    public abstract void Tell(object message, IActorRef sender);

    public abstract void SendSystem(SystemMessage message);

    public bool Equals(IActorRef? other) =>
        ReferenceEquals(this, other) || (other is not null && Path.Uid == other.Path.Uid && Path == other.Path);

    public override bool Equals(object? obj) => Equals(obj as IActorRef);

    public override int GetHashCode() => HashCode.Combine(Path.Name, Path.Uid);

    public int CompareTo(IActorRef? other)
    {
        if (other is null) return 1;
        var order = Path.CompareTo(other.Path);
        return order != 0 ? order : Path.Uid.CompareTo(other.Path.Uid);
    }

    int IComparable.CompareTo(object? obj) => CompareTo(obj as IActorRef);

    public override string ToString() =>
        Path.Uid == 0 ? $"[{Path}]" : $"[{Path}#{Path.Uid.ToString(CultureInfo.InvariantCulture)}]";
}

/// <summary>An actor of this process.</summary>
internal sealed class LocalActorRef : EngineRef
{
    public LocalActorRef(LocalSystem system, Props props, LocalActorRef? parent, ActorPath path, ShardOwnership? ownership)
    {
        Path = path;
        Cell = new ActorCell(system, this, props, parent, ownership);
    }

    public ActorCell Cell { get; }

    public override ActorPath Path { get; }

    public override LocalSystem Engine => Cell.Engine;

    public override void Tell(object message, IActorRef sender) =>
        Cell.Mailbox.Enqueue(message ?? throw new InvalidMessageException("Message is null."), sender);

    public override void SendSystem(SystemMessage message) => Cell.Mailbox.EnqueueSystem(message);
}

/// <summary>An actor of another node, or one whose address is not ours. Delivery is the transport's.</summary>
internal sealed class RemoteActorRef(LocalSystem system, ActorPath path) : EngineRef
{
    public override ActorPath Path { get; } = path;

    public override LocalSystem Engine { get; } = system;

    public override void Tell(object message, IActorRef sender)
    {
        if (Engine.Transport is { } transport) transport.Send(this, message, sender);
        else Engine.DeadLetters.Tell(new DeadLetter(message, sender ?? Engine.DeadLetters, this), Engine.DeadLetters);
    }

    /// <summary>Of the system messages only a stop crosses nodes, as a <see cref="PoisonPill"/>. A watch of a remote
    /// actor is refused loudly: nothing here would ever notice its death.</summary>
    public override void SendSystem(SystemMessage message)
    {
        switch (message)
        {
            case SystemMessage.Terminate:
                Tell(PoisonPill.Instance, ActorRefs.NoSender);
                break;
            case SystemMessage.Watch:
                throw new NotSupportedException($"{Path} lives on another node: its death cannot be watched from here.");
        }
    }
}

/// <summary>Where messages go that nobody can take: they are published on the event stream.</summary>
internal sealed class DeadLettersRef(LocalSystem system, ActorPath path) : EngineRef
{
    public override ActorPath Path { get; } = path;

    public override LocalSystem Engine { get; } = system;

    public override void Tell(object message, IActorRef sender)
    {
        switch (message)
        {
            case Identify identify:
                sender?.Tell(new ActorIdentity(identify.MessageId, null), ActorRefs.NoSender);
                break;
            case DeadLetter { Message: Identify asked } lost:
                lost.Sender.Tell(new ActorIdentity(asked.MessageId, null), ActorRefs.NoSender);
                break;
            case DeadLetter letter:
                Engine.EventStream.Publish(letter.Message is IDeadLetterSuppression
                    ? new SuppressedDeadLetter(letter.Message, letter.Sender, letter.Recipient)
                    : letter);
                break;
            default:
                Tell(new DeadLetter(message, sender ?? this, this), this);
                break;
        }
    }

    public override void SendSystem(SystemMessage message)
    {
        if (message is SystemMessage.Watch watch)
            watch.Watcher.SendSystem(new SystemMessage.Died(watch.Watchee, existenceConfirmed: false));
    }
}

/// <summary>A place in this process where nobody lives: messages become dead letters that name it.</summary>
internal sealed class EmptyRef(LocalSystem system, ActorPath path) : EngineRef
{
    public override ActorPath Path { get; } = path;

    public override LocalSystem Engine { get; } = system;

    public override void Tell(object message, IActorRef sender) =>
        Engine.DeadLetters.Tell(new DeadLetter(message, sender ?? Engine.DeadLetters, this), Engine.DeadLetters);

    public override void SendSystem(SystemMessage message)
    {
        if (message is SystemMessage.Watch watch)
            watch.Watcher.SendSystem(new SystemMessage.Died(this, existenceConfirmed: false));
    }
}
