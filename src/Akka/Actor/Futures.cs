using Orchestrator.Engine;

namespace Akka.Actor;

/// <summary>Questions: a message whose reply is a task. No reply within the time fails it with
/// <see cref="AskTimeoutException"/>; a <see cref="Status.Failure"/> reply fails it with that cause.</summary>
public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<object>(message, timeout, CancellationToken.None);

    public static Task<object> Ask(this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<object>(message, null, cancellationToken);

    public static Task<object> Ask(
        this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<object>(message, timeout, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<T>(message, timeout, CancellationToken.None);

    public static Task<T> Ask<T>(this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<T>(message, null, cancellationToken);

    public static Task<T> Ask<T>(
        this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<T>(_ => message, timeout, cancellationToken);

    /// <summary>As the others, for a message that must itself carry the reference to answer to.</summary>
    public static Task<T> Ask<T>(
        this ICanTell self, Func<IActorRef, object> messageFactory, TimeSpan? timeout,
        CancellationToken cancellationToken)
    {
        if (self is not EngineRef { Engine: { } system } target)
            throw new ArgumentException($"Cannot ask {self}: it belongs to no actor system.", nameof(self));
        var promise = new PromiseRef<T>(
            system, timeout ?? system.Settings.AskTimeout, target.ToString(), cancellationToken);
        target.Tell(messageFactory(promise), promise);
        return promise.Reply;
    }
}
