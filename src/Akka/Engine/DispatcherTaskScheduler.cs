namespace Orchestrator.Engine;

/// <summary>Runs tasks, and what follows their awaits, as turns of a dispatcher.</summary>
internal sealed class DispatcherTaskScheduler(IEngineDispatcher dispatcher) : TaskScheduler
{
    protected override void QueueTask(Task task) => dispatcher.Schedule(() => TryExecuteTask(task));

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
