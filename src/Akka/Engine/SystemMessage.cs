using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>What actors' lives are steered with. Handled before any user message; each instance goes to one mailbox
/// only, because it is a link of that mailbox's list.</summary>
internal abstract class SystemMessage
{
    public SystemMessage? Next;

    public sealed class Create : SystemMessage;

    public sealed class Suspend : SystemMessage;

    public sealed class Resume(bool CausedBySupervisor) : SystemMessage
    {
        /// <summary>True when it is passed down to the children of a resumed actor.</summary>
        public bool CausedBySupervisor { get; } = CausedBySupervisor;
    }

    public sealed class Restart(Exception cause) : SystemMessage
    {
        public Exception Cause { get; } = cause;
    }

    public sealed class Terminate : SystemMessage;

    public sealed class Failed(EngineRef child, Exception cause) : SystemMessage
    {
        public EngineRef Child { get; } = child;

        public Exception Cause { get; } = cause;
    }

    public sealed class Watch(EngineRef watchee, EngineRef watcher) : SystemMessage
    {
        public EngineRef Watchee { get; } = watchee;

        public EngineRef Watcher { get; } = watcher;
    }

    public sealed class Unwatch(EngineRef watchee, EngineRef watcher) : SystemMessage
    {
        public EngineRef Watchee { get; } = watchee;

        public EngineRef Watcher { get; } = watcher;
    }

    public sealed class Died(EngineRef actor, bool existenceConfirmed, bool addressTerminated = false) : SystemMessage
    {
        public EngineRef Actor { get; } = actor;

        public bool ExistenceConfirmed { get; } = existenceConfirmed;

        public bool AddressTerminated { get; } = addressTerminated;
    }

    /// <summary>A piece of an async handler whose turn has come; it runs with the sender it began with.</summary>
    public sealed class Continue(Task task, ActorTaskScheduler scheduler) : SystemMessage
    {
        public Task Task { get; } = task;

        public ActorTaskScheduler Scheduler { get; } = scheduler;
    }

    /// <summary>A piece of work of one instance of the actor, in order with the others of its kind. It waits while the
    /// actor is suspended and is dropped when that instance is gone.</summary>
    public sealed class Turn(ActorBase owner, Action run) : SystemMessage
    {
        public ActorBase Owner { get; } = owner;

        public Action Run { get; } = run;
    }

    public sealed class TaskEnded(Task task, object message, IActorRef sender) : SystemMessage
    {
        public Task Task { get; } = task;

        public object Message { get; } = message;

        public IActorRef Sender { get; } = sender;
    }
}
