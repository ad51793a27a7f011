namespace Akka.Actor;

/// <summary>The root of everything that the actor system throws by itself.</summary>
public abstract class AkkaException : Exception
{
    protected AkkaException() { }

    protected AkkaException(string message, Exception? cause = null) : base(message, cause) { }
}

public class InvalidActorNameException(string message, Exception? innerException = null)
    : AkkaException(message, innerException);

public class AskTimeoutException(string message, Exception? cause = null) : AkkaException(message, cause);

/// <summary>An actor could not be built or its PreStart threw. The default strategy stops it.</summary>
public class ActorInitializationException(IActorRef? actor, string message, Exception? cause = null)
    : AkkaException(actor is null ? message : $"{actor}: {message}", cause)
{
    public ActorInitializationException(string message) : this(null, message) { }

    public IActorRef? Actor { get; } = actor;
}

public class PostRestartException(IActorRef actor, Exception cause, Exception originalCause)
    : ActorInitializationException(actor, $"Exception post restart ({originalCause.GetType().Name})", cause)
{
    public Exception OriginalCause { get; } = originalCause;
}

public class PreRestartException(IActorRef actor, Exception restartException, Exception cause, object? message)
    : AkkaException($"{actor}: exception in PreRestart({restartException.GetType().Name}, {message})", cause)
{
    public IActorRef Actor { get; } = actor;
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

/// <summary>The configuration asks for something that cannot be.</summary>
public class ConfigurationException(string message, Exception? exception = null) : AkkaException(message, exception);
