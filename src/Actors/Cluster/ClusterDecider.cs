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

        (Active s, ReportHost c)         => RestartQueue.Serve(s, [new HostSeen(c.Report, c.At)], c.At),
        (Active s, ForgetHost c)         => s.Room.Hosts.ContainsKey(c.Host)
                                                ? Accept(new HostForgotten(c.Host))
                                                : new Decision.AlreadyDone(),
        (Active s, Place c) when Held(s, c) is { } host => new Decision.Relay(Offer(c, host)),
        (Active s, Place { Restart: true } c) => RestartQueue.Join(s, c),
        (Active s, Place c)              => Find(s, c),
        (Active s, ServeRestarts c)      => RestartQueue.Serve(s, [new Gathered()], c.At),

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
                                                    Restarts = s.Room.Restarts.Remove(e.Reservation.Vm),
                                                },
                                            },
        (Active s, Queued e)             => s with { Room = Wait(s.Room, e.Ask) },
        (Active s, Unqueued e)           => s with { Room = s.Room with { Restarts = s.Room.Restarts.Remove(e.Vm) } },
        (Active s, Gathered)             => s with { Room = s.Room with { Gathers = false } },
        _                                => cluster,
    };

    /// <summary>A cluster answers; it owes nothing by itself.</summary>
    public static ImmutableArray<ClusterEffect> Outstanding(ClusterState cluster) => [];

    private static Decision Find(Active s, Place c)
    {
        var choice = Placement.Choose(
            s.Room, s.Config.MemoryOvercommitPercent, c.Shape, c.Vm, c.Excluded, c.Wanted, c.At);

        return choice switch
        {
            Choice.Found found => new Decision.Accept(Promise(c, found.Host)) { Then = [Offer(c, found.Host)] },
            Choice.None when !Heard(s.Room, c.At) => new Decision.AlreadyDone(),
            Choice.None none => new Decision.Relay(new ClusterEffect.Refuse(c.Vm, c.AskedAt, none.Reasons)),
            _ => new Decision.AlreadyDone(),
        };
    }

    /// <summary>Just woken, not every host has spoken yet: the VM asks again.</summary>
    internal static bool Heard(Room room, DateTimeOffset at) => room.Since is { } since && at - since >= ReportsAwaited;

    /// <summary>Asked again for the same start: the same answer, as long as the place is still good.</summary>
    private static HostReport? Held(Active s, Place c) =>
        s.Room.Promised.TryGetValue(c.Vm, out var held) && held.AskedAt == c.AskedAt
        && s.Room.Hosts.TryGetValue(held.Host, out var host) && host.TakesGuests
        && !c.Excluded.Contains(held.Host) && (c.Wanted is null || c.Wanted == held.Host)
            ? host
            : null;

    private static string? Wrong(ClusterPatch patch) =>
        patch.MemoryOvercommitPercent is < 100 or > 200 ? "memory_policy.over_commit"
        : patch.BrokenConnectivityThreshold is < 1 or > 100 ? "fencing_policy.skip_if_connectivity_broken.threshold"
        : null;

    internal static Promised Promise(Place c, HostReport host) =>
        new Promised(new Reservation(c.Vm, c.AskedAt, host.Host, c.Shape.Memory, c.Shape.VCpus, c.At));

    internal static ClusterEffect Offer(Place c, HostReport host) =>
        new ClusterEffect.Offer(c.Vm, c.AskedAt, host.Host, host.Name, host.Incarnation);

    private static Room See(Room room, HostSeen e)
    {
        if (room.Hosts.TryGetValue(e.Report.Host, out var known) && known.Incarnation > e.Report.Incarnation) return room;

        var kept = room.Promised;
        foreach (var guest in e.Report.Guests)
            // An agent of 0.1.0 does not know the memory of a guest that it launches: the promise stands until it does.
            if (kept.TryGetValue(guest.Vm, out var promise) && promise.Host == e.Report.Host
                && guest.Lease > promise.AskedAt && guest.Memory > 0)
                kept = kept.Remove(guest.Vm);
        foreach (var promise in kept.Values)
            if (e.At - promise.At >= Placement.PromiseHolds)
                kept = kept.Remove(promise.Vm);
        return room with
        {
            Since = room.Since ?? e.At, Hosts = room.Hosts.SetItem(e.Report.Host, e.Report), Promised = kept,
        };
    }

    private static Room Wait(Room room, Place ask) => room with
    {
        Gathers = room.Gathers || room.Restarts.IsEmpty,
        Restarts = room.Restarts.SetItem(
            ask.Vm, new Restart(ask, room.Restarts.GetValueOrDefault(ask.Vm)?.Since ?? ask.At)),
    };

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
