namespace Akka.Actor;

/// <summary>The root of everything that the actor system throws by itself.</summary>
public abstract class AkkaException : Exception
{
    protected AkkaException() { }

    protected AkkaException(string message, Exception? cause = null) : base(message, cause) { }
}

public class InvalidActorNameException : AkkaException
{
    public InvalidActorNameException(string message) : base(message) { }

    public InvalidActorNameException(string message, Exception innerException) : base(message, innerException) { }
}

public class AskTimeoutException(string message) : AkkaException(message);

/// <summary>An actor could not be built or its PreStart threw. The default strategy stops it.</summary>
public class ActorInitializationException : AkkaException
{
    public ActorInitializationException() { }

    public ActorInitializationException(string message) : base(message) { }

    public ActorInitializationException(string message, Exception cause) : base(message, cause) { }

    public ActorInitializationException(IActorRef? actor, string message, Exception? cause = null)
        : base(actor is null ? message : $"{actor}: {message}", cause) => Actor = actor;

    public IActorRef? Actor { get; set; }
}

/// <summary>The successor of a failed instance could not be built, or its PostRestart threw. The default strategy
/// stops it.</summary>
public class PostRestartException(IActorRef actor, Exception cause, Exception originalCause)
    : ActorInitializationException(actor, $"Exception post restart ({originalCause.GetType().Name})", cause)
{
    public Exception OriginalCause { get; } = originalCause;
}

/// <summary>PreRestart threw; it is logged, and the restart goes on.</summary>
public class PreRestartException(
    IActorRef actor, Exception restartException, Exception cause, object? optionalMessage)
    : ActorInitializationException(
        actor, $"Exception in PreRestart({restartException.GetType().Name}, {optionalMessage})", cause)
{
    public Exception RestartException { get; } = restartException;

    public object? OptionalMessage { get; } = optionalMessage;
}

public class ActorKilledException(string message) : AkkaException(message);

/// <summary>A watched actor died and the watcher did not handle <see cref="Terminated"/>.</summary>
public class DeathPactException(IActorRef deadActor)
    : AkkaException($"Monitored actor [{deadActor}] terminated")
{
    public IActorRef DeadActor { get; } = deadActor;
}

public class IllegalActorStateException(string message) : AkkaException(message);

public class InvalidMessageException(string message) : AkkaException(message);
