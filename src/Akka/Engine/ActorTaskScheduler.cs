using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>Brings what follows an await in a handler back into the actor's own turn, with the message and the sender
/// that the handler began with.</summary>
internal sealed class ActorTaskScheduler(ActorCell cell, object message, IActorRef sender) : TaskScheduler
{
    public object Message { get; } = message;

    public IActorRef Sender { get; } = sender;

    public void Run(Task task) => TryExecuteTask(task);

    protected override void QueueTask(Task task) => cell.Ref.SendSystem(new SystemMessage.Continue(task, this));

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && ReferenceEquals(ActorCell.Current, cell) && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
