using System.Collections.Immutable;

namespace Orchestrator.Actors;

/// <summary>What a decider makes of a command. There is no fifth answer, and every answer reaches the sender.</summary>
public abstract record Decision<TEvent, TEffect>
{
    private Decision()
    {
    }

    /// <summary>Facts to be journaled; the sender hears of it when the journal holds them.</summary>
    public sealed record Accept : Decision<TEvent, TEffect>
    {
        public Accept(params ImmutableArray<TEvent> facts) => Facts = facts;

        public ImmutableArray<TEvent> Facts { get; }

        /// <summary>Said once when the facts hold. What must not be lost in a crash belongs to Outstanding instead.</summary>
        public ImmutableArray<TEffect> Then { get; init; } = [];
    }

    /// <summary>An order that may go out now and that nobody here has to remember: its sender will ask again.</summary>
    public sealed record Relay : Decision<TEvent, TEffect>
    {
        public Relay(params ImmutableArray<TEffect> effects) => Effects = effects;

        public ImmutableArray<TEffect> Effects { get; }
    }

    /// <summary>True already: success for the sender, no fact.</summary>
    public sealed record AlreadyDone : Decision<TEvent, TEffect>;

    /// <summary>Not possible, and why; nothing changes.</summary>
    public sealed record Refuse(Fault Fault, string? Detail = null) : Decision<TEvent, TEffect>;
}

/// <summary>A fact that is not journaled because reports rebuild it after a move (a reservation, a host's load).</summary>
public interface IUnrecorded;

/// <summary>A command whose sender wants to know that it arrived, and not what the entity looks like after it.</summary>
public interface IReport;

/// <summary>Who asked, when, and under which job: what a user later finds in events, jobs and logs.</summary>
/// <param name="Job">Also the idempotency key: the same job asked twice is one command.</param>
/// <param name="Correlation">The client's correlation_id, or null.</param>
/// <param name="User">user@domain, or "system".</param>
/// <param name="At">The asker's clock; deciders read no other.</param>
public sealed record Origin(JobId Job, string? Correlation, string User, DateTimeOffset At)
{
    /// <summary>W3C traceparent of the request; it is journaled with the facts, so that an effect hours later still
    /// names the request that caused it. Null when nobody traced it. No rule may look at it.</summary>
    public string? Trace { get; init; }

    public static Origin System(Guid job, DateTimeOffset at) => new(new JobId(job), null, "system", at);
}

/// <summary>Work that a user can follow: oVirt's job.</summary>
public sealed record Job(JobId Id, string Description, Origin Origin);

/// <summary>What an entity answers to whoever sent it a command.</summary>
public abstract record Reply
{
    /// <summary>The journal holds it. <see cref="View"/> is the entity's view after it, as JSON.</summary>
    public sealed record Accepted(string View, long Version) : Reply;

    public sealed record AlreadyDone(string View, long Version) : Reply;

    public sealed record Refused(Fault Fault, string? Detail) : Reply;

    /// <summary>To <see cref="Watching.Inspect"/>: a <see cref="Watching.Explanation"/> as JSON.</summary>
    public sealed record Explained(string Json) : Reply;
}

/// <summary>Asks any entity for its view without changing it; answered with <see cref="Reply.AlreadyDone"/>, or
/// <see cref="Reply.Refused"/> with NotFound.</summary>
public sealed record Look;
