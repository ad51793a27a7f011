using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;

namespace Akka.Event;

public class LoggingBus
{
    private protected LoggingBus() { }

    public LogLevel LogLevel { get; private set; } = LogLevel.InfoLevel;

    public void SetLogLevel(LogLevel logLevel) => LogLevel = logLevel;

    public virtual bool Subscribe(IActorRef subscriber, Type classifier) => false;

    public virtual bool Unsubscribe(IActorRef subscriber) => false;

    public virtual bool Unsubscribe(IActorRef subscriber, Type classifier) => false;

    public virtual void Publish(object @event) { }
}

/// <summary>The bus of one system: who subscribed to a type gets every event of it and of its subtypes.</summary>
[SuppressMessage("Naming", "CA1725", Justification = "The names are Akka.NET's.")]
public class EventStream : LoggingBus
{
    private readonly Lock _gate = new();
    private ImmutableArray<Subscription> _subscriptions = [];

    internal EventStream() { }

    /// <summary>False when the actor has this channel, or a supertype of it, already.</summary>
    public override bool Subscribe(IActorRef subscriber, Type channel)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        lock (_gate)
        {
            if (_subscriptions.Any(one => subscriber.Equals(one.Actor) && one.Channel.IsAssignableFrom(channel)))
                return false;
            _subscriptions = _subscriptions
                .RemoveAll(one => subscriber.Equals(one.Actor) && channel.IsAssignableFrom(one.Channel))
                .Add(new Subscription(channel, subscriber, null));
            return true;
        }
    }

    public override bool Unsubscribe(IActorRef subscriber, Type channel) =>
        Remove(one => subscriber.Equals(one.Actor) && channel.IsAssignableFrom(one.Channel));

    public override bool Unsubscribe(IActorRef subscriber) => Remove(one => subscriber.Equals(one.Actor));

    public override void Publish(object @event)
    {
        foreach (var one in _subscriptions)
        {
            if (!one.Channel.IsInstanceOfType(@event)) continue;
            if (one.Actor is { } actor) actor.Tell(@event, ActorRefs.NoSender);
            else one.Observer!(@event);
        }
    }

    internal IDisposable Observe(Type channel, Action<object> observer)
    {
        var subscription = new Subscription(channel, null, observer);
        lock (_gate) _subscriptions = _subscriptions.Add(subscription);
        return new Unobserve(() => Remove(one => ReferenceEquals(one, subscription)));
    }

    private bool Remove(Predicate<Subscription> match)
    {
        lock (_gate)
        {
            var rest = _subscriptions.RemoveAll(match);
            var any = rest.Length != _subscriptions.Length;
            _subscriptions = rest;
            return any;
        }
    }

    private sealed class Subscription(Type channel, IActorRef? actor, Action<object>? observer)
    {
        public Type Channel { get; } = channel;

        public IActorRef? Actor { get; } = actor;

        public Action<object>? Observer { get; } = observer;
    }

    private sealed class Unobserve(Action undo) : IDisposable
    {
        public void Dispose() => undo();
    }
}

public static class EventStreamExtensions
{
    public static bool Subscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Subscribe(subscriber, typeof(TChannel));

    public static bool Unsubscribe<TChannel>(this EventStream eventStream, IActorRef subscriber) =>
        eventStream.Unsubscribe(subscriber, typeof(TChannel));
}
