using Orchestrator.Engine;

namespace Akka.Actor;

/// <summary>Sends the outcome of a task to an actor: the result, or a <see cref="Status.Failure"/>.</summary>
public static class PipeToSupport
{
    public static Task PipeTo<T>(
        this Task<T> taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<T, object>? success = null,
        Func<Exception, object>? failure = null)
    {
        var from = sender ?? ActorRefs.NoSender;
        return Pipe(taskToPipe, recipient, from, failure, () =>
            recipient.Tell(success is not null ? success(taskToPipe.Result) : taskToPipe.Result!, from));
    }

    public static Task PipeTo(
        this Task taskToPipe, ICanTell recipient, IActorRef? sender = null, Func<object>? success = null,
        Func<Exception, object>? failure = null)
    {
        var from = sender ?? ActorRefs.NoSender;
        return Pipe(taskToPipe, recipient, from, failure, () =>
        {
            if (success is not null) recipient.Tell(success(), from);
        });
    }

    private static Task Pipe(
        Task task, ICanTell recipient, IActorRef from, Func<Exception, object>? failure, Action onSuccess) =>
        task.ContinueWith(
            ended =>
            {
                if (ended.IsCompletedSuccessfully)
                {
                    onSuccess();
                    return;
                }
                var cause = ended.Exception is { InnerExceptions: [var only] } ? only : (Exception?)ended.Exception;
                cause ??= new TaskCanceledException(ended);
                recipient.Tell(failure is not null ? failure(cause) : new Status.Failure(cause), from);
            },
            CancellationToken.None, TaskContinuationOptions.DenyChildAttach,
            (recipient as EngineRef)?.Engine?.TaskScheduler ?? TaskScheduler.Default);
}
