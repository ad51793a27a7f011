using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>Who watches this actor, and whom it watches. Only touched in the actor's own turn.</summary>
internal sealed class DeathWatch(LocalActorRef self)
{
    private readonly Dictionary<EngineRef, object?> _watching = [];
    private readonly Dictionary<EngineRef, object?> _announced = [];
    private readonly HashSet<EngineRef> _watchers = [];

    public void Watch(EngineRef subject, object? message)
    {
        if (ReferenceEquals(subject, self)) return;
        if (_watching.TryGetValue(subject, out var before))
        {
            if (!Equals(before, message))
            {
                throw new InvalidOperationException(
                    $"Watch({subject}, {message}) termination message was not overwritten from {before}. "
                    + "If this was intended, unwatch first.");
            }
            return;
        }
        subject.SendSystem(new SystemMessage.Watch(subject, self));
        _watching.Add(subject, message);
    }

    public void Unwatch(EngineRef subject)
    {
        if (_watching.Remove(subject)) subject.SendSystem(new SystemMessage.Unwatch(subject, self));
        _announced.Remove(subject);
    }

    public void AddWatcher(EngineRef watcher) => _watchers.Add(watcher);

    public void RemoveWatcher(EngineRef watcher) => _watchers.Remove(watcher);

    /// <summary>Queues the notice of a death, if it was asked for.</summary>
    public void OnDied(SystemMessage.Died died)
    {
        if (!_watching.Remove(died.Actor, out var message)) return;
        _announced[died.Actor] = message;
        self.Tell(new Terminated(died.Actor, died.ExistenceConfirmed, died.AddressTerminated), died.Actor);
    }

    /// <summary>Whether the notice that is being handled is still wanted, and the message that stands for it.</summary>
    public bool Deliver(Terminated notice, out object message)
    {
        message = notice;
        if (notice.ActorRef is not EngineRef subject || !_announced.Remove(subject, out var own)) return false;
        if (own is not null) message = own;
        return true;
    }

    public void TellAll(LocalActorRef? parent)
    {
        foreach (var watcher in _watchers)
        {
            if (!ReferenceEquals(watcher, parent)) watcher.SendSystem(new SystemMessage.Died(self, true));
        }
        _watchers.Clear();
        foreach (var subject in _watching.Keys) subject.SendSystem(new SystemMessage.Unwatch(subject, self));
        _watching.Clear();
        _announced.Clear();
    }
}
