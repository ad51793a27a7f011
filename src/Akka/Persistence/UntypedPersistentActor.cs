using Akka.Actor;
using Orchestrator.Engine;

namespace Akka.Persistence;

/// <summary>A persistent actor with one method for commands and one for its past.</summary>
public abstract class UntypedPersistentActor : Eventsourced
{
    protected static new IUntypedActorContext Context => (IUntypedActorContext)ActorBase.Context;

    protected sealed override bool ReceiveCommand(object message)
    {
        OnCommand(message);
        return true;
    }

    protected sealed override bool ReceiveRecover(object message)
    {
        OnRecover(message);
        return true;
    }

    protected abstract void OnCommand(object message);

    protected abstract void OnRecover(object message);

    protected void Become(UntypedReceive receive) => Cell.Become(receive);

    protected void BecomeStacked(UntypedReceive receive) => Cell.BecomeStacked(receive);
}

/// <summary>A persistent actor whose commands and past are lists of typed cases, tried in the order of declaration.</summary>
public abstract class ReceivePersistentActor : UntypedPersistentActor
{
    private readonly MatchCases _recovers = new();
    private readonly MatchCases _initial = new();
    private MatchCases? _building;

    protected ReceivePersistentActor() => _building = _initial;

    protected sealed override void OnCommand(object message)
    {
        if (!_initial.TryMatch(message)) Unhandled(message);
    }

    protected sealed override void OnRecover(object message)
    {
        if (!_recovers.TryMatch(message) && message is not RecoveryCompleted) Unhandled(message);
    }

    protected void Become(Action configure) => Cell.Become(Build(configure));

    protected void BecomeStacked(Action configure) => Cell.BecomeStacked(Build(configure));

    protected void Command<T>(Action<T> handler, Predicate<T>? shouldHandle = null) =>
        Building().Add<T>(message =>
        {
            if (shouldHandle is not null && !shouldHandle(message)) return false;
            handler(message);
            return true;
        });

    protected void Command<T>(Predicate<T> shouldHandle, Action<T> handler) => Command(handler, shouldHandle);

    protected void Command<T>(Func<T, bool> handler) => Building().Add(handler);

    protected void CommandAny(Action<object> handler) => Command(handler);

    protected void Recover<T>(Action<T> handler, Predicate<T>? shouldHandle = null)
    {
        _ = Building();
        _recovers.Add<T>(message =>
        {
            if (shouldHandle is not null && !shouldHandle(message)) return false;
            handler(message);
            return true;
        });
    }

    protected void Recover<T>(Predicate<T> shouldHandle, Action<T> handler) => Recover(handler, shouldHandle);

    protected void Recover<T>(Func<T, bool> handler)
    {
        _ = Building();
        _recovers.Add(handler);
    }

    protected void RecoverAny(Action<object> handler) => Recover(handler);

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
        "You may only call Command-methods when constructing the actor and inside Become().");
}
