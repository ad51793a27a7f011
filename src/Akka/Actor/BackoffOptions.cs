using Akka.Actor;

namespace Akka.Pattern;

/// <summary>Says when a child is started again after a pause that grows: when it stops, or only when it fails.</summary>
public static class Backoff
{
    public static BackoffOptions OnStop(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) => new(
        RestartsOnStop: true, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);

    public static BackoffOptions OnFailure(
        Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor,
        int maxNrOfRetries) => new(
        RestartsOnStop: false, childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries);
}

/// <summary>The pause is minBackoff · 2ⁿ, at most maxBackoff, then lengthened by up to randomFactor of itself.
/// A negative number of retries is no bound.</summary>
public sealed class BackoffOptions
{
    internal BackoffOptions(
        bool RestartsOnStop, Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff,
        double randomFactor, int maxNrOfRetries)
    {
        if (minBackoff <= TimeSpan.Zero) throw new ArgumentException("MinBackoff must be greater than 0");
        if (maxBackoff < minBackoff) throw new ArgumentException("MaxBackoff must not be less than MinBackoff");
        if (randomFactor is < 0.0 or > 1.0) throw new ArgumentException("RandomFactor must be between 0.0 and 1.0");
        this.RestartsOnStop = RestartsOnStop;
        ChildProps = childProps;
        ChildName = childName;
        MinBackoff = minBackoff;
        MaxBackoff = maxBackoff;
        RandomFactor = randomFactor;
        MaxRetries = maxNrOfRetries;
        ResetAfter = minBackoff;
    }

    internal bool RestartsOnStop { get; }

    internal Props ChildProps { get; }

    internal string ChildName { get; }

    internal TimeSpan MinBackoff { get; }

    internal TimeSpan MaxBackoff { get; }

    internal double RandomFactor { get; }

    internal int MaxRetries { get; private init; }

    /// <summary>Null: only <see cref="BackoffSupervisor.Reset"/> resets the count.</summary>
    internal TimeSpan? ResetAfter { get; private init; }

    internal SupervisorStrategy Strategy { get; private init; } = SupervisorStrategy.DefaultStrategy;

    internal object? ReplyWhileStopped { get; private init; }

    internal Func<object, bool>? FinalStopMessage { get; private init; }

    /// <summary>The count falls to zero when a child has lived this long. The default is minBackoff.</summary>
    public BackoffOptions WithAutoReset(TimeSpan resetBackoff) => With(ResetAfter: resetBackoff);

    public BackoffOptions WithManualReset() => new(this) { ResetAfter = null };

    public BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy) =>
        new(this) { Strategy = supervisorStrategy };

    public BackoffOptions WithDefaultStoppingStrategy() =>
        new(this) { Strategy = SupervisorStrategy.StoppingStrategy };

    public BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) => new(this) { MaxRetries = maxNrOfRetries };

    public BackoffOptions WithReplyWhileStopped(object replyWhileStopped) =>
        new(this) { ReplyWhileStopped = replyWhileStopped };

    /// <summary>After a message that the predicate takes, the child's stop is final and ends the supervisor too.</summary>
    public BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage) =>
        new(this) { FinalStopMessage = isFinalStopMessage };

    internal TimeSpan Pause(int restarts, double random)
    {
        var grown = MinBackoff.TotalMilliseconds * Math.Pow(2, Math.Min(restarts, 30));
        return TimeSpan.FromMilliseconds(
            Math.Min(MaxBackoff.TotalMilliseconds, grown) * (1.0 + (random * RandomFactor)));
    }

    private BackoffOptions(BackoffOptions other) : this(
        other.RestartsOnStop, other.ChildProps, other.ChildName, other.MinBackoff, other.MaxBackoff, other.RandomFactor,
        other.MaxRetries)
    {
        ResetAfter = other.ResetAfter;
        Strategy = other.Strategy;
        ReplyWhileStopped = other.ReplyWhileStopped;
        FinalStopMessage = other.FinalStopMessage;
    }

    private BackoffOptions With(TimeSpan ResetAfter) => new(this) { ResetAfter = ResetAfter };
}
