using System.Diagnostics.CodeAnalysis;
using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>The receiver of one reply. It gets a path, and can be found by it, only once somebody asks for its path.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The timer and the registration end with the reply.")]
internal sealed class PromiseRef : EngineRef
{
    private readonly TaskCompletionSource<object?> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LocalSystem _system;
    private readonly ITimer? _timer;
    private readonly CancellationTokenRegistration _cancellation;
    private ActorPath? _path;

    public PromiseRef(LocalSystem system, TimeSpan? timeout, string asked, CancellationToken cancel)
    {
        _system = system;
        if (timeout is { } limit && limit != Timeout.InfiniteTimeSpan && limit != TimeSpan.MaxValue)
        {
            _timer = system.Clock.CreateTimer(
                _ => Finish(new AskTimeoutException($"Timeout after {limit} asking {asked}")), null, limit,
                Timeout.InfiniteTimeSpan);
        }
        if (cancel.CanBeCanceled)
            _cancellation = cancel.UnsafeRegister(_ => Finish(new TaskCanceledException("The question was cancelled.")), null);
        if (_reply.Task.IsCompleted) Release();
    }

    public Task<object?> Reply => _reply.Task;

    public override LocalSystem Engine => _system;

    public override ActorPath Path
    {
        get
        {
            if (_path is { } known) return known;
            var made = _system.NewTempPath();
            if (Interlocked.CompareExchange(ref _path, made, null) is { } other) return other;
            _system.RegisterTemp(made.Name, this);
            if (_reply.Task.IsCompleted) _system.UnregisterTemp(made.Name);
            return made;
        }
    }

    public override void Tell(object message, IActorRef sender)
    {
        if (_reply.TrySetResult(message))
        {
            Release();
            return;
        }
        var from = sender ?? Engine.DeadLetters;
        Engine.DeadLetters.Tell(new Akka.Event.DeadLetter(message, from, this), from);
    }

    public override void SendSystem(SystemMessage message)
    {
        switch (message)
        {
            case SystemMessage.Terminate:
                Finish(new TaskCanceledException("The question was withdrawn."));
                break;
            case SystemMessage.Watch watch:
                _reply.Task.ContinueWith(
                    _ => watch.Watcher.SendSystem(new SystemMessage.Died(this, existenceConfirmed: true)),
                    _system.TaskScheduler);
                break;
        }
    }

    private void Finish(Exception cause)
    {
        var done = cause is TaskCanceledException ? _reply.TrySetCanceled() : _reply.TrySetException(cause);
        if (done) Release();
    }

    private void Release()
    {
        _timer?.Dispose();
        _cancellation.Unregister();
        if (_path is { } path) _system.UnregisterTemp(path.Name);
    }
}
