using Orchestrator.Actors;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Shells;

/// <summary>What was seen of an entity from outside, in the order in which it left the shell.</summary>
internal abstract record Step
{
    public sealed record Decided(object Command) : Step
    {
        public override string ToString() => $"decides {Command.GetType().Name}";
    }

    /// <summary>The batch reached the store.</summary>
    public sealed record Writing(JournalBatch Batch) : Step
    {
        public override string ToString() => $"writes {string.Join(" + ", Batch.Events.Select(e => e.Manifest))}";
    }

    /// <summary>The store's word on a batch.</summary>
    public sealed record Written(WriteOutcome Outcome) : Step
    {
        public override string ToString() => $"journal: {Outcome}";
    }

    /// <summary>The shell read off this state what is owed: the state that it holds at this moment.</summary>
    public sealed record Stands(object State) : Step
    {
        public override string ToString() => $"stands at {State.GetType().Name}";
    }

    public sealed record Replied(Reply Reply) : Step
    {
        public override string ToString() => Reply switch
        {
            Reply.Accepted r => $"replies accepted {r.Version}",
            Reply.AlreadyDone r => $"replies already done {r.Version}",
            Reply.Refused r => $"replies refused {r.Fault}",
            _ => $"replies {Reply}",
        };
    }

    public sealed record Did(object Effect, object State, long Epoch) : Step
    {
        public override string ToString() => $"does {Effect.GetType().Name} in {State.GetType().Name}";
    }

    public sealed record AskedToPassivate : Step
    {
        public override string ToString() => "asks to passivate";
    }

    public sealed record LaidHandsDown : Step
    {
        public override string ToString() => "lays its hands down";
    }

    public sealed record Stopped : Step
    {
        public override string ToString() => "stopped";
    }
}
