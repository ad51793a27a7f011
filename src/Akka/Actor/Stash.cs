namespace Akka.Actor;

public interface IActorStash
{
    IStash Stash { get; set; }
}

/// <summary>Asks for a stash without a bound.</summary>
public interface IWithUnboundedStash : IActorStash;

/// <summary>Asks for a stash.</summary>
public interface IWithStash : IActorStash;

public interface IStash
{
    int Count { get; }

    bool IsEmpty { get; }

    bool NonEmpty { get; }

    /// <summary>Puts the present message aside. Twice for the same message is an error.</summary>
    void Stash();

    /// <summary>Puts the oldest stashed message at the head of the mailbox.</summary>
    void Unstash();

    /// <summary>Puts all stashed messages at the head of the mailbox, the oldest first.</summary>
    void UnstashAll();

    /// <summary>Puts those back that the predicate takes; the others are dropped.</summary>
    void UnstashAll(Func<Envelope, bool> predicate);

    IEnumerable<Envelope> ClearStash();

    void Prepend(IEnumerable<Envelope> envelopes);
}
