using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>Messages that an actor put aside; they come back before everything that waits in the mailbox.</summary>
internal sealed class MessageStash(ActorCell cell) : IStash
{
    private readonly LinkedList<Envelope> _kept = new();
    private (long Handled, object? Message) _last;

    public int Count => _kept.Count;

    public bool IsEmpty => _kept.Count == 0;

    public bool NonEmpty => _kept.Count > 0;

    public void Stash()
    {
        var envelope = cell.CurrentEnvelope;
        if (envelope.Message is null) throw new IllegalActorStateException("There is no message to stash.");
        if (_last.Handled == cell.Handled && ReferenceEquals(_last.Message, envelope.Message))
        {
            throw new IllegalActorStateException(
                $"Can't stash the same message {envelope.Message} more than once");
        }
        _last = (cell.Handled, envelope.Message);
        _kept.AddLast(envelope);
    }

    public void Unstash()
    {
        if (_kept.First is not { } first) return;
        _kept.RemoveFirst();
        cell.Mailbox.Prepend(first.Value);
    }

    public void UnstashAll() => UnstashAll(_ => true);

    public void UnstashAll(Func<Envelope, bool> predicate)
    {
        for (var node = _kept.Last; node is not null; node = node.Previous)
        {
            if (predicate(node.Value)) cell.Mailbox.Prepend(node.Value);
        }
        _kept.Clear();
    }

    public IEnumerable<Envelope> ClearStash()
    {
        Envelope[] all = [.. _kept];
        _kept.Clear();
        return all;
    }

    public void Prepend(IEnumerable<Envelope> envelopes)
    {
        foreach (var envelope in envelopes.Reverse()) _kept.AddFirst(envelope);
    }

    public void ToDeadLetters()
    {
        foreach (var envelope in ClearStash()) cell.ToDeadLetters(envelope);
    }
}
