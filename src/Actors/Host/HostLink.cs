using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Said = Orchestrator.Agent.Protocol.HostEvent;

namespace Orchestrator.Actors.Host;

/// <summary>
/// The line between one host's actor and its agent, held while this node owns the host. It carries reports to VMs in
/// the order in which the agent made them, tells the actor when the agent is reached and when it falls silent, and
/// keeps what placement must know. It decides nothing.
/// </summary>
public sealed class HostLink : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    /// <summary>Part of the limit after which the agent may hang: early enough that another one is heard before the limit, late
    /// enough for an agent that is only busy.</summary>
    private const double SuspectedAfter = 0.6;

    /// <summary>A host that has just come back is met by way of another node for ten seconds now and then, and a line that comes
    /// and goes is one trouble, not many.</summary>
    private static readonly TimeSpan DetourIsSaidAfter = TimeSpan.FromSeconds(20), StraightIsSaidAfter = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AnnounceAtMostEvery = TimeSpan.FromSeconds(1);

    private readonly HostId _id;
    private readonly long _epoch;
    private readonly IAgent _client;
    private readonly HostWorld _world;
    private readonly IActorRef _self;
    private readonly Action _announce;
    private readonly CancellationTokenSource _closed = new();
    private readonly ReportPump _pump;
    private readonly LeaseRenewals _renewals;
    private readonly StorageKeeping _storage;
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, GuestShare> _guests = [];
    private readonly Dictionary<Guid, long> _told = [];
    private readonly Dictionary<Guid, ImageWork> _works = [];
    private HostLiveness _liveness;
    private AgentFacts? _facts;
    private ImmutableArray<HostAddress> _addresses = [];
    private HostRow _row;
    private AgentLink? _seen;
    private bool _silenceSaid;
    private bool _suspicionSaid;
    private bool _breakSaid;
    private string? _by;
    private bool _wayIsKnown;

    /// <summary>Since when it is spoken to in the present way, ms; null: that was said.</summary>
    private long? _waySince;
    private bool _dirty;
    private long _announcedAt;
    private long _heardAt;

    public HostLink(
        HostId id, HostRow row, long epoch, IAgent client, HostWorld world, IActorRef self, Action announce)
    {
        (_id, _row, _epoch, _client, _world, _self, _announce) = (id, row, epoch, client, world, self, announce);
        _pump = new ReportPump(
            world, guest => client.Forget(guest.Vm, new GuestOrder(Stamp, guest.Lease), _closed.Token), _closed.Token);
        _renewals = new LeaseRenewals(client, world, new DomainNews(world, self), self);
        _liveness = HostLiveness.Since(Now);
        _heardAt = Now;
        See(AgentLink.Connecting);
        // The line outlives the request that opened it, so it must not speak in that request's trace.
        var request = Activity.Current;
        if (request is not null) Activity.Current = null;
        _ = Follow();
        _ = Watch();
        _storage = new StorageKeeping(id, client, world, () => Volatile.Read(ref _row), () => Stamp);
        _ = _storage.Run(_closed.Token);
        if (world.Observations is { } kept) _ = new HostObserving(id, client, world, kept).Run(_closed.Token);
        _ = new CertificateCare(world, client, () => Volatile.Read(ref _row), () => Stamp, self).Run(_closed.Token);
        if (request is not null) Activity.Current = request;
    }

    public IAgent Client => _client;

    public string? BootId => Volatile.Read(ref _facts)?.BootId;

    public Stamp Stamp => new(_epoch, BootId);

    /// <summary>When anything was last heard of the host, ms of this node's monotonic clock. The owner before this one renewed
    /// nothing later than this link began.</summary>
    public long HeardAt => Volatile.Read(ref _heardAt);

    /// <summary>This link has heard it: what happens to it from then on happens under its eyes.</summary>
    public bool WasHeard { get; private set; }

    /// <summary>How long this link has listened in vain.</summary>
    public TimeSpan Silence
    {
        get
        {
            lock (_gate) return TimeSpan.FromMilliseconds(_liveness.Silence);
        }
    }

    /// <summary>The newest renewal of the host's lease on the storage that it has told of.</summary>
    public long LeaseNumber => _renewals.Number;

    /// <summary>Name and life of the host may change while the link stays.</summary>
    public void Know(HostRow row) => Volatile.Write(ref _row, row);

    public (AgentFacts? Facts, ImmutableArray<HostAddress> Addresses, ImmutableArray<GuestShare> Guests) Holds()
    {
        lock (_gate) return (_facts, _addresses, [.. _guests.Values]);
    }

    /// <summary>A guest's state as an order's receipt shows it; dropped when a later report was told already.</summary>
    public void Receipt(OrderReceipt receipt)
    {
        if (receipt.Guest is { } guest) TellGuest(guest, receipt.Sequence);
    }

    /// <summary>The host has been emptied.</summary>
    public void LetStorageGo() => _ = _storage.LetGo();

    public void Await(ImageWork work)
    {
        lock (_gate) _works[work.Id] = work;
    }

    public void TellJob(JobReport job)
    {
        ImageWork? work;
        lock (_gate)
        {
            if (job.State == JobState.Running || !_works.Remove(job.Id, out work)) return;
        }

        _world.TellWork(work, job);
    }

    public void Dispose()
    {
        _closed.Cancel();
        See(null);
        if (Interlocked.Exchange(ref _by, null) is not null) ActorMeters.Relayed(-1);
        _closed.Dispose();
    }

    /// <summary>For the count of agents that are heard. Nothing changes it after the link is closed.</summary>
    private void See(AgentLink? state)
    {
        lock (_gate)
        {
            if (_seen == state || (state is not null && _closed.IsCancellationRequested)) return;
            ActorMeters.Linked(_seen, state);
            _seen = state;
        }
    }

    private long Now => (long)_world.Clock.GetElapsedTime(0).TotalMilliseconds;

    private async Task Follow()
    {
        var closed = _closed.Token;
        while (!closed.IsCancellationRequested)
        {
            try
            {
                await Listen(closed);
            }
            catch (EntityUnavailableException)
            {
                // The engine's own database is away: that says nothing of the host.
            }
            catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException or IOException
                or HttpRequestException or OperationCanceledException)
            {
                if (closed.IsCancellationRequested) return;
                // One line when it breaks, not one per attempt: what stands in the way may last.
                if (!_breakSaid) _world.LinkBroke(_id, Volatile.Read(ref _row).Name, e.Message);
                _breakSaid = true;
                if (_seen == AgentLink.Reached) See(AgentLink.Connecting);
                // A way counts from when something was last heard by it without a break.
                lock (_gate) _waySince = _waySince is null ? null : Now;
                _self.Tell(new HostCommand.ReportUnreached(_world.Clock.GetUtcNow()));
            }

            await _world.Pause(_world.Settings.ReconnectEvery, closed);
        }
    }

    private async Task Listen(CancellationToken closed)
    {
        var about = await _client.Describe(closed);
        var facts = AgentWords.Facts(about);
        // An agent that answers is slow at most, and no reason to cut its power.
        Live();
        TellWay(_client.ByWayOf);
        // What the host was heard to have is read before the agent makes its report: what the report then lacks is
        // gone, and not merely younger than the report.
        var expected = await _world.Read.CopiesOn(_id, closed);
        await foreach (var said in _client.Events(_epoch, _id.Value, closed))
        {
            Hear();
            switch (said)
            {
                case Said.Report report:
                    Begin(facts, AgentWords.Addresses(about.Addresses), report, expected);
                    break;
                case Said.GuestChanged change:
                    TellGuest(change.Guest, change.Sequence);
                    break;
                case Said.JobChanged change:
                    TellJob(change.Job);
                    break;
                case Said.Heartbeat beat:
                    Note(AgentWords.Addresses(beat.Addresses));
                    _ = _renewals.Heard(beat.Sequence, _id, Volatile.Read(ref _row), Stamp, closed);
                    break;
                case Said.Superseded:
                    return;
            }
        }
    }

    private void TellWay(string? by)
    {
        lock (_gate)
        {
            if (!_wayIsKnown || by != _by) _waySince = Now;
            _wayIsKnown = true;
        }

        if (by == _by) return;
        _world.WayChanged(_id, Volatile.Read(ref _row).Name, by);
        if (_by is null || by is null) ActorMeters.Relayed(by is null ? -1 : 1);
        _by = by;
    }

    private void Note(ImmutableArray<HostAddress> addresses)
    {
        lock (_gate)
        {
            if (addresses.SequenceEqual(_addresses)) return;
            (_addresses, _dirty) = (addresses, true);
        }
    }

    private void Begin(
        AgentFacts facts, ImmutableArray<HostAddress> addresses, Said.Report report, IReadOnlyList<VmCopy> expected)
    {
        if (report.BootId != facts.BootId) throw new AgentUnreachableException("the host rebooted while it was asked");

        lock (_gate)
        {
            if (_facts?.BootId != facts.BootId)
            {
                _told.Clear();
                _renewals.Forget();
            }

            Volatile.Write(ref _facts, facts);
            _addresses = addresses;
            _guests.Clear();
            _dirty = true;
        }

        Reached(facts);
        foreach (var guest in report.Guests) TellGuest(guest, report.Sequence);
        foreach (var copy in expected)
            if (!report.Guests.Any(g => g.Vm == copy.Vm))
                _pump.Send(copy.Vm, new VmCommand.ReportMissing(_id, copy.Lease, _world.Clock.GetUtcNow()), null);
        foreach (var job in report.Jobs) TellJob(job);
        _ = Account(report.BootId);
    }

    private async Task Account(string bootId)
    {
        // Its word counts only when every VM has had it: one that is not told of its guest could be started elsewhere.
        await _pump.Idle();
        if (!_closed.IsCancellationRequested) _self.Tell(new HostCommand.ReportAccounted(bootId, _world.Clock.GetUtcNow()));
    }

    private void Reached(AgentFacts facts) =>
        _self.Tell(new HostCommand.ReportReached(facts, _world.Clock.GetUtcNow()) { Quarantine = _world.Settings.Quarantine });

    private void TellGuest(GuestReport guest, long sequence)
    {
        lock (_gate)
        {
            if (_told.TryGetValue(guest.Vm, out var last) && sequence < last) return;
            _told[guest.Vm] = sequence;
            if (guest.State == Agent.Protocol.GuestState.Down) _guests.Remove(guest.Vm);
            else _guests[guest.Vm] = Share(guest);
            _dirty = true;
            var row = Volatile.Read(ref _row);
            var report = AgentWords.Report(_id, row.Name, row.Incarnation, guest, _world.Clock.GetUtcNow());
            _pump.Send(guest.Vm, report, guest);
        }
    }

    private static GuestShare Share(GuestReport guest) =>
        new(new VmId(guest.Vm), new Lease(guest.Lease), guest.MemoryBytes)
        {
            Launching = guest.State == Agent.Protocol.GuestState.WaitForLaunch,
            Leaving = guest.State == Agent.Protocol.GuestState.MigratingOut,
            Arriving = guest.State == Agent.Protocol.GuestState.Incoming,
        };

    /// <returns>Whether it had been said to be silent.</returns>
    private bool Live()
    {
        lock (_gate)
        {
            var silent = _silenceSaid;
            _liveness = HostLiveness.Since(Now);
            _silenceSaid = _suspicionSaid = false;
            return silent;
        }
    }

    private void Hear()
    {
        // A stream may outlast a silence: nothing begins anew then, so nobody else would say that the host is back.
        Volatile.Write(ref _heardAt, Now);
        WasHeard = true;
        if (Live() && Volatile.Read(ref _facts) is { } facts)
            Reached(facts);
        _breakSaid = false;
        if (_seen != AgentLink.Reached) See(AgentLink.Reached);
    }

    private async Task Watch()
    {
        var closed = _closed.Token;
        while (!closed.IsCancellationRequested)
        {
            await _world.Pause(LookEvery, closed);
            bool silent, suspect, announce, way;
            lock (_gate)
            {
                _liveness = _liveness.Look(Now);
                silent = !_silenceSaid && _liveness.IsSilent((long)_world.Settings.SilentAfter.TotalMilliseconds);
                if (silent) _silenceSaid = true;
                suspect = !_suspicionSaid && _world.SoftFence is not null
                    && _liveness.IsSilent((long)(_world.Settings.SilentAfter.TotalMilliseconds * SuspectedAfter));
                if (suspect) _suspicionSaid = true;
                announce = _dirty && Now - _announcedAt >= AnnounceAtMostEvery.TotalMilliseconds;
                if (announce) (_dirty, _announcedAt) = (false, Now);
                way = _waySince is { } since && !_silenceSaid
                    && Now - since >= (_by is null ? StraightIsSaidAfter : DetourIsSaidAfter).TotalMilliseconds;
                if (way) _waySince = null;
            }

            var now = _world.Clock.GetUtcNow();
            if (suspect) _self.Tell(new HostCommand.ReportSuspect(now - TimeSpan.FromMilliseconds(_liveness.Silence), now));
            if (silent)
            {
                See(AgentLink.Silent);
                _self.Tell(new HostCommand.ReportSilent(now - TimeSpan.FromMilliseconds(_liveness.Silence), now));
            }

            if (way) _self.Tell(new HostCommand.ReportWay(Volatile.Read(ref _by), now));
            if (announce) _announce();
        }
    }
}

/// <summary>What of a host's state its link must know.</summary>
/// <param name="LeaseFolder">Where it is to keep its lease on shared storage; empty while it is not to be renewed.</param>
public sealed record HostRow(string Name, long Incarnation, ClusterId Cluster, string LeaseFolder = "", string Address = "")
{
    /// <summary>It is to have the storage of its data center.</summary>
    public bool HasStorage { get; init; }
}
