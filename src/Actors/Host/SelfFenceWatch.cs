using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Host;

/// <summary>Has neighbours of a silent host read its lease on the storage, one after another, until it is proved to have
/// ended its guests. Its memory is one owner's: the next one begins again.</summary>
public sealed class SelfFenceWatch : IDisposable
{
    private static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(1);

    /// <summary>Neighbours that do not answer for so long are not waited for.</summary>
    private const long AnswerAwaited = 3_000;

    private readonly HostId _id;
    private readonly ClusterId _cluster;
    private readonly HostEffect.AwaitSelfFence _owed;
    private readonly HostLink _link;
    private readonly HostWorld _world;
    private readonly IActorRef _self;
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _gate = new();
    private SelfFenceProof _proof;
    private (Guid Reading, long At)? _asked;
    private int _round;

    public SelfFenceWatch(
        HostId id, ClusterId cluster, HostEffect.AwaitSelfFence owed, HostLink link, HostWorld world, IActorRef self)
    {
        (_id, _cluster, _owed, _link, _world, _self) = (id, cluster, owed, link, world, self);
        _proof = new SelfFenceProof(owed.Bond);
        _ = Run();
    }

    public HostEffect.AwaitSelfFence Owed => _owed;

    public bool Renews
    {
        get
        {
            lock (_gate) return _proof.Renews;
        }
    }

    public void Note(HostEffect.NoteStorageLease reading)
    {
        lock (_gate)
        {
            if (_asked is not { } asked || asked.Reading != reading.Reading) return;
            _asked = null;
            if (reading.Trusted)
                _proof = _proof.Read(asked.At, Now, reading.BootId, reading.Number, _link.HeardAt, _link.LeaseNumber);
        }
    }

    public void Dispose()
    {
        _closed.Cancel();
        _closed.Dispose();
    }

    private long Now => (long)_world.Clock.GetElapsedTime(0).TotalMilliseconds;

    private async Task Run()
    {
        var closed = _closed.Token;
        while (!closed.IsCancellationRequested)
        {
            try
            {
                bool complete, ask;
                lock (_gate)
                {
                    complete = _proof.IsComplete(Now, _link.HeardAt);
                    ask = _asked is null || Now - _asked.Value.At > AnswerAwaited;
                }

                if (complete) _self.Tell(new HostCommand.ReportSelfFenced(_owed.Incarnation, _world.Clock.GetUtcNow()));
                if (ask) await Ask(closed);
            }
            catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
            {
                // Asked again in a second.
            }

            await _world.Pause(ReadEvery, closed);
        }
    }

    private async Task Ask(CancellationToken closed)
    {
        var neighbours = await _world.Read.Sharing(_id, _cluster, closed);
        if (neighbours.Count == 0) return;
        var reading = _world.NewId();
        lock (_gate) _asked = (reading, Now);
        _world.Entities.Tell(
            Kinds.Host, neighbours[_round++ % neighbours.Count].Value,
            new HostCommand.ReadStorageLease(_id, reading, _owed.Bond.Folder));
    }
}
