using Akka.Actor;

namespace Akka.Pattern;

/// <summary>Says when a child is started again after a pause that grows: when it stops, or only when it fails.</summary>
public static class Backoff
{
    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) => new BackoffRules(
        restartsOnStop: true, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);

    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) => new BackoffRules(
        restartsOnStop: false, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);
}

/// <summary>How a <see cref="BackoffSupervisor"/> acts. Each With answers a changed copy.</summary>
public abstract class BackoffOptions
{
    private protected BackoffOptions() { }

    /// <summary>The count falls to zero when a child has lived this long. The default is minBackoff.</summary>
    public abstract BackoffOptions WithAutoReset(TimeSpan resetBackoff);

    /// <summary>Only <see cref="BackoffSupervisor.Reset"/> lets the count fall to zero.</summary>
    public abstract BackoffOptions WithManualReset();

    public abstract BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy);

    public abstract BackoffOptions WithDefaultStoppingStrategy();

    /// <summary>A negative number is no bound.</summary>
    public abstract BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries);

    /// <summary>What a message is answered with while there is no child; without it, it is a dead letter.</summary>
    public abstract BackoffOptions WithReplyWhileStopped(object replyWhileStopped);

    /// <summary>After a message that the predicate takes, the child's stop is final and ends the supervisor too.</summary>
    public abstract BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage);
}

/// <summary>The pause is minBackoff · 2ⁿ, at most maxBackoff, then lengthened by up to randomFactor of itself.</summary>
internal sealed class BackoffRules : BackoffOptions
{
    public BackoffRules(
        bool restartsOnStop, Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff,
        double randomFactor, int maxNrOfRetries)
    {
        if (minBackoff <= TimeSpan.Zero) throw new ArgumentException("MinBackoff must be greater than 0");
        if (maxBackoff < minBackoff) throw new ArgumentException("MaxBackoff must not be less than MinBackoff");
        if (randomFactor is < 0.0 or > 1.0) throw new ArgumentException("RandomFactor must be between 0.0 and 1.0");
        RestartsOnStop = restartsOnStop;
        ChildProps = childProps;
        ChildName = childName;
        MinBackoff = minBackoff;
        MaxBackoff = maxBackoff;
        RandomFactor = randomFactor;
        MaxRetries = maxNrOfRetries;
        ResetAfter = minBackoff;
    }

    private BackoffRules(BackoffRules other) : this(
        other.RestartsOnStop, other.ChildProps, other.ChildName, other.MinBackoff, other.MaxBackoff, other.RandomFactor,
        other.MaxRetries)
    {
        ResetAfter = other.ResetAfter;
        Strategy = other.Strategy;
        ReplyWhileStopped = other.ReplyWhileStopped;
        FinalStopMessage = other.FinalStopMessage;
    }

    public bool RestartsOnStop { get; }

    public Props ChildProps { get; }

    public string ChildName { get; }

    public TimeSpan MinBackoff { get; }

    public TimeSpan MaxBackoff { get; }

    public double RandomFactor { get; }

    public int MaxRetries { get; private init; }

    /// <summary>Null: only <see cref="BackoffSupervisor.Reset"/> resets the count.</summary>
    public TimeSpan? ResetAfter { get; private init; }

    public SupervisorStrategy Strategy { get; private init; } = SupervisorStrategy.DefaultStrategy;

    public object? ReplyWhileStopped { get; private init; }

    public Func<object, bool>? FinalStopMessage { get; private init; }

    public override BackoffOptions WithAutoReset(TimeSpan resetBackoff) =>
        new BackoffRules(this) { ResetAfter = resetBackoff };

    public override BackoffOptions WithManualReset() => new BackoffRules(this) { ResetAfter = null };

    public override BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy) =>
        new BackoffRules(this) { Strategy = supervisorStrategy };

    public override BackoffOptions WithDefaultStoppingStrategy() =>
        new BackoffRules(this) { Strategy = SupervisorStrategy.StoppingStrategy };

    public override BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) =>
        new BackoffRules(this) { MaxRetries = maxNrOfRetries };

    public override BackoffOptions WithReplyWhileStopped(object replyWhileStopped) =>
        new BackoffRules(this) { ReplyWhileStopped = replyWhileStopped };

    public override BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage) =>
        new BackoffRules(this) { FinalStopMessage = isFinalStopMessage };

    public TimeSpan Pause(int restarts, double random)
    {
        var grown = MinBackoff.TotalMilliseconds * Math.Pow(2, Math.Min(restarts, 30));
        return TimeSpan.FromMilliseconds(
            Math.Min(MaxBackoff.TotalMilliseconds, grown) * (1.0 + (random * RandomFactor)));
    }
}
