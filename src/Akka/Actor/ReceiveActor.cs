using Orchestrator.Engine;

namespace Akka.Actor;

/// <summary>An actor whose behaviour is a list of typed cases, tried in the order in which they were declared.</summary>
public abstract class ReceiveActor : UntypedActor
{
    private readonly MatchCases _initial = new();
    private MatchCases? _building;

    protected ReceiveActor() => _building = _initial;

    protected sealed override void OnReceive(object message)
    {
        if (!_initial.TryMatch(message)) Unhandled(message);
    }

    protected void Become(Action configure) => Cell.Become(Build(configure));

    protected void BecomeStacked(Action configure) => Cell.BecomeStacked(Build(configure));

    protected void Receive<T>(Action<T> handler, Predicate<T>? shouldHandle = null) =>
        Building().Add<T>(message =>
        {
            if (shouldHandle is not null && !shouldHandle(message)) return false;
            handler(message);
            return true;
        });

    protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) => Receive(handler, shouldHandle);

    /// <summary>The handler answers whether it handled the message; if not, the next case is tried.</summary>
    protected void Receive<T>(Func<T, bool> handler) => Building().Add(handler);

    protected void Receive(Type messageType, Action<object> handler, Predicate<object>? shouldHandle = null) =>
        Building().Add<object>(message =>
        {
            if (!messageType.IsInstanceOfType(message) || shouldHandle?.Invoke(message) == false) return false;
            handler(message);
            return true;
        });

    protected void ReceiveAny(Action<object> handler) => Receive(handler);

    protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T>? shouldHandle = null) =>
        Receive(message => RunTask(() => handler(message)), shouldHandle);

    protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) =>
        ReceiveAsync(handler, shouldHandle);

    protected void ReceiveAnyAsync(Func<object, Task> handler) => ReceiveAsync(handler);

    internal override void SealBehaviour() => _building = null;

    private Receive Build(Action configure)
    {
        var cases = new MatchCases();
        var outer = _building;
        _building = cases;
        try { configure(); }
        finally { _building = outer; }
        return cases.TryMatch;
    }

    private MatchCases Building() => _building ?? throw new InvalidOperationException(
        "You may only call Receive-methods when constructing the actor and inside Become().");
}
