using System.Diagnostics.CodeAnalysis;
using Akka.Event;
using Orchestrator.Engine;

namespace Akka.Actor;

public enum Directive
{
    /// <summary>The child goes on with the next message and keeps its state.</summary>
    Resume,

    /// <summary>The child is replaced by a new instance and keeps its mailbox.</summary>
    Restart,

    /// <summary>The supervisor itself fails with the child's exception.</summary>
    Escalate,

    /// <summary>The child is stopped for good.</summary>
    Stop,
}

public interface IDecider
{
    Directive Decide(Exception cause);
}

public class LocalOnlyDecider(Func<Exception, Directive> decider) : IDecider
{
    public Directive Decide(Exception cause) => decider(cause);
}

/// <summary>What becomes of a child that failed.</summary>
public abstract class SupervisorStrategy
{
    /// <summary>Stops what could not be made or was killed, restarts the rest.</summary>
    [SuppressMessage("Usage", "CA2211", Justification = "The field is Akka.NET's.")]
    public static IDecider DefaultDecider = new LocalOnlyDecider(cause =>
        cause is ActorInitializationException or ActorKilledException or DeathPactException
            ? Directive.Stop
            : Directive.Restart);

    public static readonly SupervisorStrategy DefaultStrategy = new OneForOneStrategy(DefaultDecider.Decide);

    public static readonly OneForOneStrategy StoppingStrategy = new OneForOneStrategy(_ => Directive.Stop);

    private protected SupervisorStrategy() { }

    public abstract IDecider Decider { get; }

    protected bool LoggingEnabled { get; set; } = true;

    /// <summary>Answers false when the failure is to be escalated.</summary>
    internal bool HandleFailure(ActorCell supervisor, ChildStats child, Exception cause)
    {
        var directive = Decider.Decide(cause);
        if (LoggingEnabled) LogFailure(supervisor, child.Ref, cause, directive);
        switch (directive)
        {
            case Directive.Resume:
                child.Ref.SendSystem(new SystemMessage.Resume(CausedBySupervisor: false));
                return true;
            case Directive.Restart when MayRestart(supervisor, child):
                child.Ref.SendSystem(new SystemMessage.Restart(cause));
                return true;
            case Directive.Restart or Directive.Stop:
                supervisor.Stop(child.Ref);
                return true;
            default:
                return false;
        }
    }

    internal abstract bool MayRestart(ActorCell supervisor, ChildStats child);

    private static void LogFailure(ActorCell supervisor, LocalActorRef child, Exception cause, Directive directive)
    {
        if (directive == Directive.Escalate) return;
        var source = child.Path.ToString();
        var reason = (cause as ActorInitializationException)?.InnerException?.Message ?? cause.Message;
        supervisor.System.EventStream.Publish(directive == Directive.Resume
            ? new Warning(cause, source, supervisor.Props.Type, reason)
            : new Error(cause, source, supervisor.Props.Type, reason));
    }
}

/// <summary>Only the child that failed is concerned. With a bound, the child that fails more often than
/// maxNrOfRetries within the time is stopped instead of restarted.</summary>
public class OneForOneStrategy : SupervisorStrategy
{
    public OneForOneStrategy(
        int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider)
    {
        MaxNumberOfRetries = maxNrOfRetries ?? -1;
        WithinTimeRangeMilliseconds = withinTimeRange is { } range ? (int)range.TotalMilliseconds : -1;
        Decider = new LocalOnlyDecider(localOnlyDecider);
    }

    public OneForOneStrategy(
        int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider,
        bool loggingEnabled = true)
    {
        MaxNumberOfRetries = maxNrOfRetries;
        WithinTimeRangeMilliseconds = withinTimeMilliseconds;
        Decider = new LocalOnlyDecider(localOnlyDecider);
        LoggingEnabled = loggingEnabled;
    }

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider) : this(-1, -1, localOnlyDecider) { }

    public int MaxNumberOfRetries { get; }

    public int WithinTimeRangeMilliseconds { get; }

    public override IDecider Decider { get; }

    internal override bool MayRestart(ActorCell supervisor, ChildStats child) =>
        child.MayRestart(MaxNumberOfRetries, WithinTimeRangeMilliseconds, supervisor.Engine.Clock);
}
