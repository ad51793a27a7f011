using System.Collections.Immutable;
using static Orchestrator.Actors.Cluster.ClusterCommand;
using static Orchestrator.Actors.Cluster.ClusterEvent;
using static Orchestrator.Actors.Cluster.ClusterState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Cluster;

/// <summary>
/// The rules of a cluster. Pure. It serialises placement for its hosts: every VM of the cluster asks here, one after
/// the other, so two VMs never get the same room.
/// </summary>
public static class ClusterDecider
{
    /// <summary>After a move, hosts get this long to report before "no room" is believed.</summary>
    public static readonly TimeSpan ReportsAwaited = TimeSpan.FromSeconds(6);

    public static ClusterState Initial(ClusterId id) => new Absent(new ClusterCore(id));

    public static Decision Decide(ClusterState cluster, ClusterCommand command) => (cluster, command) switch
    {
        (_, _) when AskedBefore(cluster, command) => new Decision.AlreadyDone(),

        (Absent, Create c)               => Accept(new Created(c.Origin, c.Config)),
        (_, Create)                      => No(Fault.AlreadyExists),
        (Absent, _)                      => No(Fault.NotFound),
        (Gone, Remove)                   => new Decision.AlreadyDone(),
        (Gone, _)                        => No(Fault.Removed),

        (Active s, Update c)             => Wrong(c.Patch) is { } field
                                                ? new Decision.Refuse(Fault.InvalidValue, field)
                                                : Accept(new Redefined(c.Origin, c.Patch.Apply(s.Config))),
        (Active s, Remove c)             => s.Room.Hosts.IsEmpty
                                                ? Accept(new Removed(c.Origin))
                                                : No(Fault.ClusterInUse),

        (Active, ReportHost c)           => Accept(new HostSeen(c.Report, c.At)),
        (Active s, ForgetHost c)         => s.Room.Hosts.ContainsKey(c.Host)
                                                ? Accept(new HostForgotten(c.Host))
                                                : new Decision.AlreadyDone(),
        (Active s, Place c)              => Find(s, c),

        _                                => No(Fault.NotFound),
    };

    /// <summary>Replays one fact, or takes in one report. Total.</summary>
    public static ClusterState Evolve(ClusterState cluster, ClusterEvent fact) => (cluster, fact) switch
    {
        (_, Created e)                   => new Active(
                                                cluster.Core with
                                                {
                                                    Config = e.Config, CreatedAt = e.Origin.At, Recent = cluster.Core.Recent.Add(e.Origin.Job),
                                                },
                                                Room.Unknown),
        (_, Redefined e)                 => cluster with
                                            {
                                                Core = cluster.Core with { Config = e.Config, Recent = cluster.Core.Recent.Add(e.Origin.Job) },
                                            },
        (_, Removed e)                   => new Gone(cluster.Core with { Recent = cluster.Core.Recent.Add(e.Origin.Job) }),
        (Active s, HostSeen e)           => s with { Room = See(s.Room, e) },
        (Active s, HostForgotten e)      => s with { Room = s.Room with { Hosts = s.Room.Hosts.Remove(e.Host) } },
        (Active s, Promised e)           => s with
                                            {
                                                Room = s.Room with
                                                {
                                                    Since = s.Room.Since ?? e.Reservation.At,
                                                    Promised = s.Room.Promised.SetItem(e.Reservation.Vm, e.Reservation),
                                                },
                                            },
        _                                => cluster,
    };

    /// <summary>A cluster answers; it owes nothing by itself.</summary>
    public static ImmutableArray<ClusterEffect> Outstanding(ClusterState cluster) => [];

    private static Decision Find(Active s, Place c)
    {
        var choice = Placement.Choose(
            s.Room, s.Config.MemoryOvercommitPercent, c.Shape, c.Vm, c.Excluded, c.Wanted, c.At);

        // Asked again for the same start: the same answer, as long as the place is still good.
        if (s.Room.Promised.TryGetValue(c.Vm, out var held) && held.AskedAt == c.AskedAt
            && s.Room.Hosts.TryGetValue(held.Host, out var promised) && promised.TakesGuests
            && !c.Excluded.Contains(held.Host) && (c.Wanted is null || c.Wanted == held.Host))
            return new Decision.Relay(Offer(c, promised));

        return choice switch
        {
            Choice.Found found => new Decision.Accept(new Promised(
                new Reservation(c.Vm, c.AskedAt, found.Host.Host, c.Shape.Memory, c.Shape.VCpus, c.At)))
            {
                Then = [Offer(c, found.Host)],
            },
            // Just woken: not every host has spoken yet. The VM asks again.
            Choice.None when s.Room.Since is not { } since || c.At - since < ReportsAwaited => new Decision.AlreadyDone(),
            Choice.None none => new Decision.Relay(new ClusterEffect.Refuse(c.Vm, c.AskedAt, none.Reasons)),
            _ => new Decision.AlreadyDone(),
        };
    }

    private static string? Wrong(ClusterPatch patch) =>
        patch.MemoryOvercommitPercent is < 100 or > 200 ? "memory_policy.over_commit"
        : patch.BrokenConnectivityThreshold is < 1 or > 100 ? "fencing_policy.skip_if_connectivity_broken.threshold"
        : null;

    private static ClusterEffect Offer(Place c, HostReport host) =>
        new ClusterEffect.Offer(c.Vm, c.AskedAt, host.Host, host.Name, host.Incarnation);

    private static Room See(Room room, HostSeen e)
    {
        if (room.Hosts.TryGetValue(e.Report.Host, out var known) && known.Incarnation > e.Report.Incarnation) return room;

        var kept = room.Promised;
        foreach (var guest in e.Report.Guests)
            if (kept.TryGetValue(guest.Vm, out var promise) && promise.Host == e.Report.Host
                && guest.Lease > promise.AskedAt)
                kept = kept.Remove(guest.Vm);
        foreach (var promise in kept.Values)
            if (e.At - promise.At >= Placement.PromiseHolds)
                kept = kept.Remove(promise.Vm);
        return new Room(room.Since ?? e.At, room.Hosts.SetItem(e.Report.Host, e.Report), kept);
    }

    private static Decision Accept(params ImmutableArray<ClusterEvent> facts) => new Decision.Accept(facts);

    private static Decision No(Fault fault) => new Decision.Refuse(fault);

    private static bool AskedBefore(ClusterState cluster, ClusterCommand command) => cluster is not Absent && command switch
    {
        Create c => cluster.Core.Recent.Contains(c.Origin.Job),
        Update c => cluster.Core.Recent.Contains(c.Origin.Job),
        Remove c => cluster.Core.Recent.Contains(c.Origin.Job),
        _        => false,
    };

    extension(ClusterState cluster)
    {
        internal ClusterConfig Config => cluster.Core.Config ?? _nothing;
    }

    private static readonly ClusterConfig _nothing = new() { Name = "", DataCenter = default };
}
