using System.Threading.Channels;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>
/// Numbers everything a host tells, and gives it to the one owner that follows. A new follower ends the one before.
/// A follower that does not keep up is let go: it comes back and gets a fresh report. Used under the host's lock.
/// </summary>
public sealed class EventFeed(long firstSequence)
{
    private const int Backlog = 10_000;
    private long _sequence = firstSequence;
    private Follower? _follower;

    public long Sequence => _sequence;

    public long Next() => ++_sequence;

    public Follower Follow(long epoch, HostEvent.Report report)
    {
        EndBelow(epoch + 1, epoch);
        _follower = new Follower(epoch, Backlog);
        _follower.Offer(report);
        return _follower;
    }

    public void Tell(Func<long, HostEvent> about)
    {
        var sequence = Next();
        _follower?.Offer(about(sequence));
    }

    /// <summary>Ends the stream of an owner with an epoch below this one.</summary>
    public void EndBelow(long epoch, long byEpoch)
    {
        if (_follower is null || _follower.Epoch >= epoch) return;
        _follower.Offer(new HostEvent.Superseded(Next(), byEpoch));
        _follower.End();
        _follower = null;
    }

    /// <summary>Ends the stream without a word, as when the agent stops.</summary>
    public void Close()
    {
        _follower?.End();
        _follower = null;
    }

    public sealed class Follower(long epoch, int backlog)
    {
        private readonly Channel<HostEvent> _events =
            Channel.CreateBounded<HostEvent>(new BoundedChannelOptions(backlog) { SingleReader = true });

        public long Epoch => epoch;

        public ChannelReader<HostEvent> Events => _events.Reader;

        internal void Offer(HostEvent told)
        {
            if (!_events.Writer.TryWrite(told)) End();
        }

        internal void End() => _events.Writer.TryComplete();
    }
}
