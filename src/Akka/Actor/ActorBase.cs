using System.Diagnostics.CodeAnalysis;
using Akka.Event;
using Orchestrator.Engine;

namespace Akka.Actor;

public interface IInternalActor
{
    IActorContext ActorContext { get; }
}

/// <summary>What every actor is: a behaviour, hooks of its life, and a strategy for its children.</summary>
public abstract class ActorBase : IInternalActor
{
    private readonly ActorCell _cell;

    protected ActorBase()
    {
        _cell = ActorCell.Constructing ?? throw new ActorInitializationException(
            $"You cannot create an instance of [{GetType().FullName}] with new; use ActorOf(Props) instead.");
    }

    IActorContext IInternalActor.ActorContext => Context;

    protected static IActorContext Context =>
        ActorCell.Current ?? throw new NotSupportedException(
            "There is no active ActorContext, this is most likely due to use of async operations from within this actor.");

    protected IActorRef Self => _cell.Self;

    protected IActorRef Sender => _cell.Sender;

    internal ActorCell Cell => _cell;

    protected abstract bool Receive(object message);

    protected internal virtual bool AroundReceive(Receive receive, object message)
    {
        var handled = receive(message);
        if (!handled) Unhandled(message);
        return handled;
    }

    public virtual void AroundPreStart() => PreStart();

    public virtual void AroundPostStop() => PostStop();

    public virtual void AroundPreRestart(Exception cause, object? message) => PreRestart(cause, message);

    public virtual void AroundPostRestart(Exception cause, object? message) => PostRestart(cause);

    protected virtual void PreStart() { }

    protected virtual void PostStop() { }

    /// <summary>Called on the failed instance before its successor is made; stops the children and calls PostStop.</summary>
    protected virtual void PreRestart(Exception reason, object? message)
    {
        foreach (var child in Context.GetChildren().ToArray())
        {
            Context.Unwatch(child);
            Context.Stop(child);
        }
        PostStop();
    }

    /// <summary>Called on the new instance after a restart; calls PreStart.</summary>
    protected virtual void PostRestart(Exception reason) => PreStart();

    protected virtual SupervisorStrategy SupervisorStrategy() => global::Akka.Actor.SupervisorStrategy.DefaultStrategy;

    /// <summary>Publishes <see cref="UnhandledMessage"/>; an unhandled <see cref="Terminated"/> fails the actor.</summary>
    protected virtual void Unhandled(object message)
    {
        if (message is Terminated terminated) throw new DeathPactException(terminated.ActorRef);
        Context.System.EventStream.Publish(new UnhandledMessage(message, Sender, Self));
    }

    protected void Become(Receive receive) => _cell.Become(receive);

    protected void BecomeStacked(Receive receive) => _cell.BecomeStacked(receive);

    protected void UnbecomeStacked() => _cell.UnbecomeStacked();

    protected void SetReceiveTimeout(TimeSpan? timeout) => _cell.SetReceiveTimeout(timeout);

    internal bool InvokeReceive(object message) => Receive(message);

    internal SupervisorStrategy ChosenStrategy() => SupervisorStrategy();

    internal virtual void SealBehaviour() { }
}

/// <summary>An actor with one method for all messages.</summary>
public abstract class UntypedActor : ActorBase
{
    protected static new IUntypedActorContext Context => (IUntypedActorContext)ActorBase.Context;

    protected sealed override bool Receive(object message)
    {
        OnReceive(message);
        return true;
    }

    protected abstract void OnReceive(object message);

    /// <summary>Runs a task as part of the message at hand: nothing else is handled until it is done.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "An instance method in Akka.NET.")]
    protected void RunTask(Action action) => RunTask(() => { action(); return Task.CompletedTask; });

    [SuppressMessage("Performance", "CA1822", Justification = "An instance method in Akka.NET.")]
    protected void RunTask(Func<Task> action) => ((ActorCell)ActorBase.Context).RunTask(action);

    protected void Become(UntypedReceive receive) => Cell.Become(receive);

    protected void BecomeStacked(UntypedReceive receive) => Cell.BecomeStacked(receive);
}
