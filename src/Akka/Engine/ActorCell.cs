using System.Runtime.ExceptionServices;
using Akka.Actor;
using Akka.Event;

namespace Orchestrator.Engine;

/// <summary>One actor's place: its mailbox, its behaviour, its present instance. What is the law of its life and death
/// is in <see cref="Lifecycle"/>.</summary>
internal sealed class ActorCell : IUntypedActorContext
{
    [ThreadStatic] private static ActorCell? _current;

    private readonly Stack<Receive> _behaviour = new();
    private IActorRef? _sender;
    private object? _message;
    private ITimer? _idleTimer;
    private DeathWatch? _deathWatch;

    public ActorCell(
        LocalSystem system, LocalActorRef self, Props props, LocalActorRef? parent, ShardOwnership? ownership)
    {
        Engine = system;
        Ref = self;
        Props = props;
        ParentRef = parent;
        Ownership = ownership ?? parent?.Cell.Ownership;
        Mailbox = new Mailbox(this, system);
        Life = new Lifecycle(this);
    }

    /// <summary>The actor whose turn runs on this thread.</summary>
    public static ActorCell? Current => _current;

    /// <summary>The cell that an actor which is being constructed belongs to.</summary>
    public static ActorCell? Constructing => _current is { Life.IsConstructing: true } cell ? cell : null;

    public LocalSystem Engine { get; }

    public LocalActorRef Ref { get; }

    public LocalActorRef? ParentRef { get; }

    public Mailbox Mailbox { get; }

    public Lifecycle Life { get; }

    public ChildTable Children { get; } = new();

    public DeathWatch DeathWatch => _deathWatch ??= new DeathWatch(Ref);

    public TimerTable? Timers { get; set; }

    public MessageStash? Stash { get; set; }

    /// <summary>Inherited from the parent unless the parent gave another at the child's creation.</summary>
    public ShardOwnership? Ownership { get; }

    public Props Props { get; }

    public IActorRef Self => Ref;

    public IActorRef Sender => _sender ?? Engine.DeadLetters;

    public ActorSystem System => Engine;

    public IActorRef Parent => ParentRef ?? (IActorRef)ActorRefs.Nobody;

    public TimeSpan? ReceiveTimeout { get; private set; }

    /// <summary>What is handled now, with its sender; what Stash() takes.</summary>
    public Envelope CurrentEnvelope => new(_message!, _sender!);

    public object? CurrentMessage => _message;

    /// <summary>How many messages were taken out of the mailbox: the number of the one that is handled now.</summary>
    public long Handled { get; private set; }

    public static ActorCell? Enter(ActorCell cell)
    {
        var outer = _current;
        _current = cell;
        return outer;
    }

    public static void Leave(ActorCell? outer) => _current = outer;

    public void Become(Receive receive)
    {
        if (_behaviour.Count > 1) _behaviour.Pop();
        _behaviour.Push(receive);
    }

    public void BecomeStacked(Receive receive) => _behaviour.Push(receive);

    public void UnbecomeStacked()
    {
        if (_behaviour.Count > 1) _behaviour.Pop();
    }

    public void Become(UntypedReceive receive) => Become(Always(receive));

    public void BecomeStacked(UntypedReceive receive) => BecomeStacked(Always(receive));

    public void ResetBehaviour(Receive? initial)
    {
        _behaviour.Clear();
        if (initial is not null) _behaviour.Push(initial);
    }

    /// <summary>Puts the instance's own Receive under what its constructor became.</summary>
    public void SetInitialBehaviour(Receive initial)
    {
        var became = _behaviour.Reverse().ToArray();
        _behaviour.Clear();
        _behaviour.Push(initial);
        foreach (var receive in became) _behaviour.Push(receive);
    }

    public IActorRef ActorOf(Props props, string? name = null) => ActorOf(props, name, null);

    /// <summary>As the public one; the child and all below it live under the given ownership.</summary>
    public IActorRef ActorOf(Props props, string? name, ShardOwnership? ownership)
    {
        if (name is not null && !ActorPath.IsValidPathElement(name))
            throw new InvalidActorNameException(name.Length == 0 ? "Actor name must not be empty." : $"Illegal actor name [{name}].");
        var child = Children.Add(name, chosen => new LocalActorRef(
            Engine, props, Ref, new ChildActorPath(Ref.Path, chosen, Engine.NextUid()), ownership));
        child.SendSystem(new SystemMessage.Create());
        return child;
    }

    public IActorRef Child(string name) => Children.Find(name)?.Ref ?? (IActorRef)ActorRefs.Nobody;

    public IEnumerable<IActorRef> GetChildren() => Children.All();

    public void Stop(IActorRef child)
    {
        if (child is not EngineRef actor) return;
        Children.MarkDying(actor);
        actor.SendSystem(new SystemMessage.Terminate());
    }

    public IActorRef Watch(IActorRef subject)
    {
        if (subject is EngineRef other) DeathWatch.Watch(other, null);
        return subject;
    }

    public IActorRef WatchWith(IActorRef subject, object message)
    {
        if (subject is EngineRef other) DeathWatch.Watch(other, message);
        return subject;
    }

    public IActorRef Unwatch(IActorRef subject)
    {
        if (subject is EngineRef other) DeathWatch.Unwatch(other);
        return subject;
    }

    public void SetReceiveTimeout(TimeSpan? timeout)
    {
        ReceiveTimeout = timeout;
        RearmIdleTimer();
    }

    public void Invoke(Envelope envelope)
    {
        _message = envelope.Message;
        _sender = envelope.Sender;
        Handled++;
        try
        {
            if (envelope.Message is IAutoReceivedMessage or TimerTable.Due) InvokeSpecial(envelope.Message);
            else Deliver(envelope.Message);
            if (ReceiveTimeout is not null && envelope.Message is not INotInfluenceReceiveTimeout) RearmIdleTimer();
        }
        catch (Exception cause)
        {
            Life.Fail(cause, envelope.Message);
        }
        finally
        {
            _message = null;
            _sender = null;
        }
    }

    public void InvokeSystem(SystemMessage message)
    {
        try
        {
            switch (message)
            {
                case SystemMessage.Continue piece: Resume(piece); break;
                case SystemMessage.TaskEnded ended: EndTask(ended); break;
                case SystemMessage.Watch watch: DeathWatch.AddWatcher(watch.Watcher); break;
                case SystemMessage.Unwatch unwatch: DeathWatch.RemoveWatcher(unwatch.Watcher); break;
                default: Life.Handle(message); break;
            }
        }
        catch (Exception cause)
        {
            Life.Fail(cause, _message);
        }
    }

    public void InvokeTurn(SystemMessage.Turn turn)
    {
        if (!ReferenceEquals(turn.Owner, Life.Actor)) return;
        try
        {
            turn.Run();
        }
        catch (Exception cause)
        {
            Life.Fail(cause, _message);
        }
        finally
        {
            _message = null;
            _sender = null;
        }
    }

    /// <summary>Makes a message and its sender the present ones for the rest of this turn.</summary>
    public void TakeUp(object? message, IActorRef? sender) => (_message, _sender) = (message, sender);

    /// <summary>A system message to an actor that is gone: who wants to watch it learns so at once.</summary>
    public static void AnswerForTheDead(SystemMessage message)
    {
        if (message is SystemMessage.Watch watch)
            watch.Watcher.SendSystem(new SystemMessage.Died(watch.Watchee, existenceConfirmed: true));
    }

    public void ToDeadLetters(Envelope envelope)
    {
        if (envelope.Message is TimerTable.Due) return;
        var sender = envelope.Sender ?? Engine.DeadLetters;
        Engine.DeadLetters.Tell(new DeadLetter(envelope.Message, sender, Ref), sender);
    }

    /// <summary>Runs an async handler: the mailbox waits until the task is done, and its failure is the actor's.</summary>
    public void RunTask(Func<Task> body)
    {
        var scheduler = new ActorTaskScheduler(this, _message!, Sender);
        var outer = new Task<Task>(body, TaskCreationOptions.DenyChildAttach);
        outer.RunSynchronously(scheduler);
        var task = outer.IsCompletedSuccessfully ? outer.Result : outer;
        if (task.IsCompleted)
        {
            task.GetAwaiter().GetResult();
            return;
        }
        Mailbox.Suspend();
        task.ContinueWith(
            ended => Ref.SendSystem(new SystemMessage.TaskEnded(ended, scheduler.Message, scheduler.Sender)),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public void Deliver(object message) => Life.Actor!.AroundReceive(_behaviour.Peek(), message);

    public void StopIdleTimer()
    {
        _idleTimer?.Dispose();
        _idleTimer = null;
        ReceiveTimeout = null;
    }

    private static Receive Always(UntypedReceive receive) => message =>
    {
        receive(message);
        return true;
    };

    private void InvokeSpecial(object message)
    {
        switch (message)
        {
            case TimerTable.Due due:
                if (Timers?.Take(due) is { } timed)
                {
                    _message = timed;
                    if (timed is IAutoReceivedMessage) InvokeSpecial(timed);
                    else Deliver(timed);
                }
                break;
            case PoisonPill:
                Stop(Ref);
                break;
            case Kill:
                throw new ActorKilledException("Kill");
            case Identify identify:
                Sender.Tell(new ActorIdentity(identify.MessageId, Ref), Ref);
                break;
            case Terminated notice:
                if (DeathWatch.Deliver(notice, out var announced))
                {
                    _message = announced;
                    Deliver(announced);
                }
                break;
            default:
                Deliver(message);
                break;
        }
    }

    private void Resume(SystemMessage.Continue piece)
    {
        var (message, sender) = (_message, _sender);
        (_message, _sender) = (piece.Scheduler.Message, piece.Scheduler.Sender);
        try { piece.Scheduler.Run(piece.Task); }
        finally { (_message, _sender) = (message, sender); }
    }

    private void EndTask(SystemMessage.TaskEnded ended)
    {
        Mailbox.Resume();
        if (ReceiveTimeout is not null) RearmIdleTimer();
        if (ended.Task.IsCompletedSuccessfully) return;
        (_message, _sender) = (ended.Message, ended.Sender);
        try
        {
            var cause = ended.Task.Exception is { InnerExceptions: [var only] } ? only : (Exception?)ended.Task.Exception;
            ExceptionDispatchInfo.Throw(cause ?? new TaskCanceledException(ended.Task));
        }
        catch (Exception thrown) { Life.Fail(thrown, ended.Message); }
        finally { (_message, _sender) = (null, null); }
    }

    private void RearmIdleTimer()
    {
        if (ReceiveTimeout is not { } timeout)
        {
            _idleTimer?.Dispose();
            _idleTimer = null;
            return;
        }
        _idleTimer ??= Engine.Clock.CreateTimer(
            static cell => ((ActorCell)cell!).Ref.Tell(Akka.Actor.ReceiveTimeout.Instance, ActorRefs.NoSender),
            this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _idleTimer.Change(timeout, Timeout.InfiniteTimeSpan);
    }
}
