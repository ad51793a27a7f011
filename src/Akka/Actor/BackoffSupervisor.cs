using Akka.Actor;

namespace Akka.Pattern;

/// <summary>What supervisors with growing pauses have in common.</summary>
public abstract class BackoffSupervisorBase : ActorBase
{
    private protected BackoffSupervisorBase() { }
}

/// <summary>Keeps one child alive, with growing pauses between its lives. Passes messages on to the child, and what the
/// child tells it to its parent. Gives up, by stopping, after the allowed number of retries.</summary>
public sealed class BackoffSupervisor : BackoffSupervisorBase
{
    private readonly BackoffRules _options;
    private IActorRef? _child;
    private int _restarts;
    private bool _failed;
    private bool _final;

    internal BackoffSupervisor(BackoffRules options) => _options = options;

    public static Props Props(BackoffOptions options) =>
        Akka.Actor.Props.Create(() => new BackoffSupervisor((BackoffRules)options));

    protected override void PreStart() => StartChild();

    protected override SupervisorStrategy SupervisorStrategy()
    {
        if (_options.RestartsOnStop) return _options.Strategy;
        return new OneForOneStrategy(cause =>
        {
            var directive = _options.Strategy.Decider.Decide(cause);
            if (directive != Directive.Restart) return directive;
            _failed = true;
            return Directive.Stop;
        });
    }

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case Terminated ended when ended.ActorRef.Equals(_child): OnChildGone(); break;
            case StartChildNow: StartChild(); break;
            case ResetIfUnchanged seen:
                if (seen.Restarts == _restarts) _restarts = 0;
                break;
            case GetCurrentChild: Sender.Tell(new CurrentChild(_child ?? ActorRefs.Nobody)); break;
            case Reset: _restarts = 0; break;
            case GetRestartCount: Sender.Tell(new RestartCount(_restarts)); break;
            default: Pass(message); break;
        }
        return true;
    }

    private void Pass(object message)
    {
        if (_child is not null && Sender.Equals(_child))
        {
            Context.Parent.Tell(message, _child);
            return;
        }
        if (_options.FinalStopMessage?.Invoke(message) == true) _final = true;
        if (_child is not null) _child.Forward(message);
        else if (_options.ReplyWhileStopped is { } reply) Sender.Tell(reply);
        else Context.System.DeadLetters.Forward(message);
    }

    private void OnChildGone()
    {
        _child = null;
        var again = !_final && (_options.RestartsOnStop || _failed);
        _failed = false;
        if (!again || (_options.MaxRetries >= 0 && _restarts >= _options.MaxRetries))
        {
            Context.Stop(Self);
            return;
        }
        var pause = _options.Pause(_restarts++, Cell.Engine.NextDouble());
        Context.System.Scheduler.ScheduleTellOnce(pause, Self, StartChildNow.Instance, Self);
    }

    private void StartChild()
    {
        if (_child is not null) return;
        _child = Context.Watch(Context.ActorOf(_options.ChildProps, _options.ChildName));
        if (_options.ResetAfter is { } after && _restarts > 0)
            Context.System.Scheduler.ScheduleTellOnce(after, Self, new ResetIfUnchanged(_restarts), Self);
    }

    public sealed class GetCurrentChild
    {
        private GetCurrentChild() { }

        public static readonly GetCurrentChild Instance = new();
    }

    public sealed class CurrentChild(IActorRef @ref)
    {
        public IActorRef Ref { get; } = @ref;
    }

    public sealed class Reset
    {
        private Reset() { }

        public static readonly Reset Instance = new();
    }

    public sealed class GetRestartCount
    {
        private GetRestartCount() { }

        public static readonly GetRestartCount Instance = new();
    }

    public sealed class RestartCount(int count)
    {
        public int Count { get; } = count;
    }

    private sealed class StartChildNow
    {
        public static StartChildNow Instance { get; } = new();
    }

    private sealed record ResetIfUnchanged(int Restarts);
}
