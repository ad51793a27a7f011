using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// What a cluster knows of its hosts: as last reported, what is promised to VMs that no report shows yet, and who waits for
/// a restart. Its time is counted in beats of its own, and only while somebody waits: hosts and VMs speak from other nodes,
/// whose clocks may be anywhere.
/// </summary>
public sealed record Room
{
    public static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(125);

    /// <summary>After a move, hosts get 6 s to report before "no room" is believed.</summary>
    public const long ReportsAwaited = 48;

    /// <summary>A promise that no report confirms is dropped after 30 s.</summary>
    public const long PromiseHolds = 240;

    public static Room Unknown { get; } = new();

    public ImmutableDictionary<HostId, HostReport> Hosts { get; init; } = ImmutableDictionary<HostId, HostReport>.Empty;

    public ImmutableDictionary<VmId, Reservation> Promised { get; init; } = ImmutableDictionary<VmId, Reservation>.Empty;

    /// <summary>VMs to restart that have no host yet.</summary>
    public ImmutableDictionary<VmId, Waiting> Restarts { get; init; } = ImmutableDictionary<VmId, Waiting>.Empty;

    /// <summary>VMs to migrate that have no destination yet.</summary>
    public ImmutableDictionary<VmId, Waiting> Moves { get; init; } = ImmutableDictionary<VmId, Waiting>.Empty;

    /// <summary>Silent hosts that asked lately to be fenced, those that may be among them.</summary>
    public ImmutableDictionary<HostId, FenceAsk> Fences { get; init; } = ImmutableDictionary<HostId, FenceAsk>.Empty;

    /// <summary>Beats so far.</summary>
    public long Now { get; init; }

    /// <summary>The next beat is on its way.</summary>
    public bool Beats { get; init; }

    /// <summary>Beats until those that failed together have asked; the first of them did a moment ago. 0: nobody gathers.</summary>
    public int Gathers { get; init; }

    /// <summary>All hosts had time to report.</summary>
    public bool Heard => Now >= ReportsAwaited;

    /// <summary>Somebody asked.</summary>
    public Room Woken() => this with { Beats = Beats || !Heard };

    public Room Seen(HostReport report)
    {
        if (Hosts.TryGetValue(report.Host, out var known) && known.Incarnation > report.Incarnation) return this;

        var kept = Promised;
        foreach (var guest in report.Guests)
            // An agent of 0.1.0 does not know the memory of a guest that it launches: the promise stands until it does.
            if (kept.TryGetValue(guest.Vm, out var promise) && promise.Host == report.Host
                && guest.Lease > promise.AskedAt && guest.Memory > 0)
                kept = kept.Remove(guest.Vm);
        return Woken() with
        {
            Hosts = Hosts.SetItem(report.Host, report),
            Promised = kept,
            Fences = Fences.TryGetValue(report.Host, out var ask) && ask.Wish.Attempt != report.Fencing ? Fences.Remove(report.Host) : Fences,
        };
    }

    public Room Promising(Reservation reservation) => this with
    {
        Promised = Promised.SetItem(reservation.Vm, reservation),
        Restarts = Restarts.Remove(reservation.Vm),
        Moves = Moves.Remove(reservation.Vm),
        Beats = true,
    };

    public Room WaitingToMove(ClusterCommand.Place ask) => this with
    {
        Moves = Joined(Moves, ask),
        Beats = true,
    };

    public Room WaitingToRestart(ClusterCommand.Place ask) => this with
    {
        Restarts = Joined(Restarts, ask),
        Gathers = Restarts.IsEmpty && Gathers == 0 ? RestartQueue.Gathering : Gathers,
        Beats = true,
    };

    /// <summary>Does not begin to beat: this is also what a journal says of a time long ago.</summary>
    public Room Fencing(HostId host, FenceWish wish) => this with { Fences = Fences.SetItem(host, new FenceAsk(wish, Now)) };

    /// <summary>Who asks again keeps his place.</summary>
    private ImmutableDictionary<VmId, Waiting> Joined(ImmutableDictionary<VmId, Waiting> queue, ClusterCommand.Place ask) =>
        queue.SetItem(ask.Vm, new Waiting(ask, queue.GetValueOrDefault(ask.Vm)?.Since ?? Now, Now));

    /// <summary>A beat later: what nobody confirmed, and who asked no more, is forgotten.</summary>
    public Room Later()
    {
        var now = Now + 1;
        var next = this with
        {
            Now = now,
            Gathers = Math.Max(0, Gathers - 1),
            Promised = Promised.RemoveRange(Promised.Values.Where(p => now - p.At >= PromiseHolds).Select(p => p.Vm)),
            Restarts = Restarts.RemoveRange(
                Restarts.Where(r => now - r.Value.AskedAt >= RestartQueue.AskHolds).Select(r => r.Key)),
            Moves = Moves.RemoveRange(Moves.Where(m => now - m.Value.AskedAt >= RestartQueue.AskHolds).Select(m => m.Key)),
            Fences = Fences.RemoveRange(Fences.Where(f => now - f.Value.AskedAt >= RestartQueue.AskHolds).Select(f => f.Key)),
        };
        return next with
        {
            Beats = !next.Heard || !next.Promised.IsEmpty || !next.Restarts.IsEmpty || !next.Moves.IsEmpty || !next.Fences.IsEmpty,
        };
    }
}

/// <param name="At">Beat at which it was promised.</param>
public sealed record Reservation(VmId Vm, Lease AskedAt, HostId Host, long Memory, int VCpus, long At)
{
    /// <summary>Of a migration: where it comes from.</summary>
    public HostId? From { get; init; }
}

/// <param name="AskedAt">Beat of the newest ask: a silent host asks again at every tick.</param>
public sealed record FenceAsk(FenceWish Wish, long AskedAt);

/// <param name="Ask">The newest one.</param>
/// <param name="Since">Beat at which it asked first.</param>
/// <param name="AskedAt">Beat of the newest ask: a VM asks again at every tick, so an old one is of a VM that waits no more.
/// </param>
public sealed record Waiting(ClusterCommand.Place Ask, long Since, long AskedAt);
