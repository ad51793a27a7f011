using Akka.Actor;
using Akka.Event;

namespace Orchestrator.Engine;

/// <summary>
/// Birth, failure, restart and death of the actor in one cell. A failed actor is suspended until its supervisor has
/// decided. A restart and a stop both wait until the children that were told to stop are gone.
/// </summary>
internal sealed class Lifecycle(ActorCell cell)
{
    private enum Waiting { Nothing, Restart, Stop }

    private Waiting _waiting;
    private Exception? _restartCause;
    private ActorBase? _failedActor;
    private object? _failedMessage;
    private bool _failed;

    public ActorBase? Actor { get; private set; }

    public bool IsConstructing { get; private set; }

    public void Handle(SystemMessage message)
    {
        switch (message)
        {
            case SystemMessage.Create: Create(); break;
            case SystemMessage.Suspend: SuspendAll(); break;
            case SystemMessage.Resume: Resume(); break;
            case SystemMessage.Restart restart: Restart(restart.Cause); break;
            case SystemMessage.Terminate: Terminate(); break;
            case SystemMessage.Failed failed: OnChildFailed(failed); break;
            case SystemMessage.Died died: OnDied(died); break;
        }
    }

    /// <summary>Suspends the actor and its children and leaves the decision to the supervisor.</summary>
    public void Fail(Exception cause, object? message)
    {
        if (_failed || _waiting == Waiting.Stop)
        {
            if (_waiting == Waiting.Stop) Log(cause, "failed while stopping");
            return;
        }
        _failed = true;
        _failedMessage = message;
        cell.Mailbox.Suspend();
        foreach (var child in cell.Children.All()) child.SendSystem(new SystemMessage.Suspend());
        if (cell.ParentRef is { } parent) parent.SendSystem(new SystemMessage.Failed(cell.Ref, cause));
        else cell.Engine.OnRootFailed(cause);
    }

    private void Create()
    {
        try
        {
            Actor = Build();
            Actor.AroundPreStart();
        }
        catch (Exception cause)
        {
            throw new ActorInitializationException(cell.Ref, "Exception during creation", cause);
        }
    }

    private ActorBase Build()
    {
        cell.ResetBehaviour(null);
        IsConstructing = true;
        ActorBase actor;
        try { actor = cell.Props.NewActor(); }
        finally { IsConstructing = false; }
        actor.SealBehaviour();
        cell.SetInitialBehaviour(actor.InvokeReceive);
        if (actor is IWithTimers timed) timed.Timers = cell.Timers = new TimerTable(cell);
        if (actor is IActorStash stashing) stashing.Stash = cell.Stash ??= new MessageStash(cell);
        return actor;
    }

    private void SuspendAll()
    {
        cell.Mailbox.Suspend();
        foreach (var child in cell.Children.All()) child.SendSystem(new SystemMessage.Suspend());
    }

    private void Resume()
    {
        if (Actor is null && _waiting == Waiting.Nothing)
        {
            cell.Mailbox.Resume();
            _failed = false;
            Create();
            return;
        }
        cell.Mailbox.Resume();
        _failed = false;
        foreach (var child in cell.Children.All()) child.SendSystem(new SystemMessage.Resume(CausedBySupervisor: true));
    }

    private void Restart(Exception cause)
    {
        if (_waiting != Waiting.Nothing)
        {
            if (_waiting == Waiting.Restart) Resume();
            return;
        }
        _restartCause = cause;
        _failedActor = Actor;
        if (Actor is { } failed)
        {
            try { failed.AroundPreRestart(cause, _failedMessage); }
            catch (Exception thrown)
            {
                Log(new PreRestartException(cell.Ref, thrown, cause, _failedMessage), thrown.Message);
            }
        }
        Forget();
        _waiting = Waiting.Restart;
        if (!cell.Children.AnyDying) FinishRestart();
    }

    private void FinishRestart()
    {
        var cause = _restartCause!;
        var survivors = cell.Children.All();
        _waiting = Waiting.Nothing;
        _failed = false;
        cell.Mailbox.Resume();
        var (message, isFirst) = (_failedMessage, _failedActor is null);
        (_restartCause, _failedActor, _failedMessage) = (null, null, null);
        if (isFirst)
        {
            // Nobody was ever there to be restarted: this is still the birth.
            Create();
            return;
        }
        try
        {
            Actor = Build();
            Actor.AroundPostRestart(cause, message);
        }
        catch (Exception thrown)
        {
            throw new PostRestartException(cell.Ref, thrown, cause);
        }
        foreach (var child in survivors) child.SendSystem(new SystemMessage.Restart(cause));
    }

    /// <summary>The instance's timers and stash do not outlive it: the stashed messages are the mailbox's again.</summary>
    private void Forget()
    {
        cell.Timers?.CancelAll();
        cell.Timers = null;
        cell.Stash?.UnstashAll();
        cell.StopIdleTimer();
        cell.Mailbox.IsHeld = false;
        Actor = null;
    }

    private void Terminate()
    {
        if (_waiting == Waiting.Stop) return;
        cell.StopIdleTimer();
        cell.Timers?.CancelAll();
        cell.Children.Close();
        _waiting = Waiting.Stop;
        cell.Mailbox.Suspend();
        foreach (var child in cell.Children.All()) cell.Stop(child);
        if (cell.Children.IsEmpty) FinishTerminate();
    }

    private void FinishTerminate()
    {
        try { Actor?.AroundPostStop(); }
        catch (Exception thrown) { Log(thrown, thrown.Message); }
        cell.Timers?.CancelAll();
        cell.Mailbox.Close();
        cell.Stash?.ToDeadLetters();
        var parent = cell.ParentRef;
        parent?.SendSystem(new SystemMessage.Died(cell.Ref, existenceConfirmed: true));
        cell.DeathWatch.TellAll(parent);
        cell.ResetBehaviour(null);
        Actor = null;
        cell.Engine.OnStopped(cell.Ref);
    }

    private void OnChildFailed(SystemMessage.Failed failed)
    {
        if (cell.Children.Find(failed.Child) is not { } child || _waiting == Waiting.Stop) return;
        var strategy = cell.Props.SupervisorStrategy ?? Actor?.ChosenStrategy() ?? SupervisorStrategy.DefaultStrategy;
        if (!strategy.HandleFailure(cell, child, failed.Cause)) throw failed.Cause;
    }

    private void OnDied(SystemMessage.Died died)
    {
        var wasChild = cell.Children.Remove(died.Actor);
        if (_waiting != Waiting.Stop) cell.DeathWatch.OnDied(died);
        if (!wasChild) return;
        if (_waiting == Waiting.Stop && cell.Children.IsEmpty) FinishTerminate();
        else if (_waiting == Waiting.Restart && !cell.Children.AnyDying) FinishRestart();
    }

    private void Log(Exception cause, string message) =>
        cell.Engine.EventStream.Publish(new Error(
            cause, cell.Ref.Path.ToString(), (Actor ?? _failedActor)?.GetType() ?? cell.Props.Type, message));
}
