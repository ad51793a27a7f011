namespace Akka.Actor;

/// <summary>Asks for timers that belong to the actor and end with its instance.</summary>
public interface IWithTimers
{
    ITimerScheduler Timers { get; set; }
}

/// <summary>Timers by key. Starting a key again replaces its timer, and a message of the old one that already waits in
/// the mailbox is not delivered; the same holds after Cancel and after a restart.</summary>
public interface ITimerScheduler
{
    void StartPeriodicTimer(object key, object msg, TimeSpan interval);

    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval);

    void StartSingleTimer(object key, object msg, TimeSpan timeout);

    bool IsTimerActive(object key);

    void Cancel(object key);

    void CancelAll();
}
