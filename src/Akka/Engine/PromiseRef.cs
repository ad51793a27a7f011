using System.Diagnostics.CodeAnalysis;
using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>The receiver of one reply. It gets a path, and can be found by it, only once somebody asks for its path.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The timer and the registration end with the reply.")]
internal abstract class PromiseRef : EngineRef
{
    private readonly LocalSystem _system;
    private readonly ITimer? _timer;
    private readonly CancellationTokenRegistration _cancellation;
    private ActorPath? _path;

    protected PromiseRef(LocalSystem system, TimeSpan? timeout, string asked, CancellationToken cancel)
    {
        _system = system;
        EngineMeters.AskBegun();
        if (timeout is { } limit && limit != Timeout.InfiniteTimeSpan && limit != TimeSpan.MaxValue)
        {
            _timer = system.Clock.CreateTimer(
                _ => Finish(new AskTimeoutException($"Timeout after {limit} asking {asked}")), null, limit,
                Timeout.InfiniteTimeSpan);
        }
        if (cancel.CanBeCanceled)
            _cancellation = cancel.UnsafeRegister(_ => Finish(new TaskCanceledException("The question was cancelled.")), null);
    }

    public override LocalSystem Engine => _system;

    public override ActorPath Path
    {
        get
        {
            if (_path is { } known) return known;
            var made = _system.NewTempPath();
            if (Interlocked.CompareExchange(ref _path, made, null) is { } other) return other;
            _system.RegisterTemp(made.Name, this);
            if (Answered.IsCompleted) _system.UnregisterTemp(made.Name);
            return made;
        }
    }

    public override void Tell(object message, IActorRef sender)
    {
        if (TryAnswer(message))
        {
            EngineMeters.AskEnded();
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
                Answered.ContinueWith(
                    _ => watch.Watcher.SendSystem(new SystemMessage.Died(this, existenceConfirmed: true)),
                    _system.TaskScheduler);
                break;
        }
    }

    protected abstract Task Answered { get; }

    protected abstract bool TryAnswer(object reply);

    protected abstract bool TryFail(Exception cause);

    /// <summary>Ends what waits for the reply, if the reply came before it was set up.</summary>
    protected void ReleaseIfAnswered()
    {
        if (Answered.IsCompleted) Release();
    }

    private void Finish(Exception cause)
    {
        if (!TryFail(cause)) return;
        EngineMeters.AskEnded();
        Release();
    }

    private void Release()
    {
        _timer?.Dispose();
        _cancellation.Unregister();
        if (_path is { } path) _system.UnregisterTemp(path.Name);
    }
}

/// <summary>The receiver of one reply of a type; another type fails the question.</summary>
internal sealed class PromiseRef<T> : PromiseRef
{
    private readonly TaskCompletionSource<T> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PromiseRef(LocalSystem system, TimeSpan? timeout, string asked, CancellationToken cancel)
        : base(system, timeout, asked, cancel) => ReleaseIfAnswered();

    public Task<T> Reply => _reply.Task;

    protected override Task Answered => _reply.Task;

    protected override bool TryAnswer(object reply) => reply switch
    {
        T typed => _reply.TrySetResult(typed),
        Status.Failure failure => _reply.TrySetException(failure.Cause),
        _ => _reply.TrySetException(new ArgumentException(
            $"Received message of type [{reply.GetType()}] - Ask expected message of type [{typeof(T)}]")),
    };

    protected override bool TryFail(Exception cause) =>
        cause is TaskCanceledException ? _reply.TrySetCanceled() : _reply.TrySetException(cause);
}
