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
    public static ClusterState Initial(ClusterId id) => new Absent(new ClusterCore(id));

    public static Decision Decide(ClusterState cluster, ClusterCommand command) => Beating(cluster, command, Rule(cluster, command));

    private static Decision Rule(ClusterState cluster, ClusterCommand command) => (cluster, command) switch
    {
        (_, _) when AskedBefore(cluster, command) => new Decision.AlreadyDone(),

        (Absent, Create c)               => Wrong(c.Config) is { } field
                                                ? new Decision.Refuse(Fault.InvalidValue, field)
                                                : Accept(new Created(c.Origin, c.Config)),
        (_, Create)                      => No(Fault.AlreadyExists),
        (Absent, _)                      => No(Fault.NotFound),
        (Gone, Remove)                   => new Decision.AlreadyDone(),
        (Gone, _)                        => No(Fault.Removed),

        (Active s, Update c)             => Wrong(c.Patch.Apply(s.Config)) is { } field
                                                ? new Decision.Refuse(Fault.InvalidValue, field)
                                                : Accept(new Redefined(c.Origin, c.Patch.Apply(s.Config))),
        (Active s, Remove c)             => s.Room.Hosts.IsEmpty
                                                ? Accept(new Removed(c.Origin))
                                                : No(Fault.ClusterInUse),

        (Active s, ReportHost c)         => FenceQueue.Note(s, c.Report, MigrationQueue.Serve(s, RestartQueue.Serve(s, [new HostSeen(c.Report)]))),
        (Active s, ForgetHost c)         => s.Room.Hosts.ContainsKey(c.Host)
                                                ? Accept(new HostForgotten(c.Host))
                                                : new Decision.AlreadyDone(),
        (Active s, AskFence c)           => FenceQueue.Join(s, c),
        (Active s, EndFence c)           => FenceQueue.End(s, c),
        (Active s, Place c) when Held(s, c) is { } host => new Decision.Relay(Offer(s, c, host)),
        (Active s, Place { Move: not null } c) => MigrationQueue.Join(s, c),
        (Active s, Place { Restart: true } c) => RestartQueue.Join(s, c),
        (Active s, Place c)              => Find(s, c),
        (Active s, ReportHighlyAvailable c) => Reserve(s, c),
        (Active s, Beat)                 => MigrationQueue.Serve(s, RestartQueue.Serve(s, [new TimePassed()])),

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
                                                Core = cluster.Core with
                                                {
                                                    Config = e.Config, Recent = cluster.Core.Recent.Add(e.Origin.Job),
                                                    Irreplaceable = e.Config.HaReservation ? cluster.Core.Irreplaceable : [],
                                                },
                                            },
        (_, ReserveMissing e)            => cluster with { Core = cluster.Core with { Irreplaceable = e.Hosts } },
        (_, ReserveRestored)             => cluster with { Core = cluster.Core with { Irreplaceable = [] } },
        (_, Removed e)                   => new Gone(cluster.Core with { Recent = cluster.Core.Recent.Add(e.Origin.Job) }),
        (Active s, HostSeen e)           => s with { Room = s.Room.Seen(e.Report) },
        (Active s, HostForgotten e)      => s with { Room = s.Room with { Hosts = s.Room.Hosts.Remove(e.Host) } },
        (Active s, FenceTurnGiven or FenceTurnEnded or FenceAwaited or FenceLeft) => FenceQueue.After(s, fact),
        (Active s, Promised e)           => s with { Room = s.Room.Promising(e.Reservation) },
        (Active s, Queued e)             => s with { Room = s.Room.WaitingToRestart(e.Ask) },
        (Active s, QueuedToMove { Ask.Move: not null } e) => s with { Room = s.Room.WaitingToMove(e.Ask) },
        (Active s, Unqueued e)           => s with { Room = s.Room with { Moves = s.Room.Moves.Remove(e.Vm) } },
        (Active s, Woke)                 => s with { Room = s.Room.Woken() },
        (Active s, TimePassed)           => s with { Room = s.Room.Later() },
        _                                => cluster,
    };

    /// <summary>A cluster answers; by itself it only looks after its reserve.</summary>
    public static ImmutableArray<ClusterEffect> Outstanding(ClusterState cluster) =>
        cluster is Active { Config.HaReservation: true } ? [new ClusterEffect.WatchReserve()] : [];

    /// <summary>Before all hosts had time to report it is not known what there is: the next look will tell.</summary>
    private static Decision Reserve(Active s, ReportHighlyAvailable c)
    {
        if (!s.Config.HaReservation || !s.Room.Heard) return new Decision.AlreadyDone();
        var hosts = HaReservation.Irreplaceable(s.Room, s.Config.MemoryOvercommitPercent, [.. c.Vms]);
        return hosts.SequenceEqual(s.Core.Irreplaceable) ? new Decision.AlreadyDone()
            : hosts.IsEmpty ? Accept(new ReserveRestored(c.At))
            : Accept(new ReserveMissing(hosts, c.At));
    }

    private static Decision Find(Active s, Place c) =>
        Placement.Choose(s.Room, s.Config.MemoryOvercommitPercent, c.Shape, c.Vm, c.Excluded, c.Wanted) switch
        {
            Choice.Found found => new Decision.Accept(Promise(s.Room, c, found.Host)) { Then = [Offer(s, c, found.Host)] },
            // Just woken, not every host has spoken yet: the VM asks again.
            Choice.None when !s.Room.Heard => Accept(new Woke()),
            // The host that would take it is being reached again, or lost, within seconds: the VM asks again.
            Choice.None when Awaited(s, c) => new Decision.AlreadyDone(),
            Choice.None none => new Decision.Relay(new ClusterEffect.Refuse(c.Vm, c.AskedAt, none.Reasons)),
            _ => new Decision.AlreadyDone(),
        };

    private static bool Awaited(Active s, Place c) =>
        s.Room.Hosts.Values.Any(h => h.Awaited)
        && Placement.Choose(
            s.Room with
            {
                Hosts = s.Room.Hosts.ToImmutableDictionary(h => h.Key, h => h.Value with { TakesGuests = h.Value.Awaited }),
            },
            s.Config.MemoryOvercommitPercent, c.Shape, c.Vm, c.Excluded, c.Wanted) is Choice.Found;

    /// <summary>One beat brings the next, as long as somebody waits for what time will bring.</summary>
    private static Decision Beating(ClusterState cluster, ClusterCommand command, Decision decision) =>
        decision is Decision.Accept accept && (command is Beat || cluster is Active { Room.Beats: false })
        && accept.Facts.Aggregate(cluster, Evolve) is Active { Room.Beats: true }
            ? accept with { Then = accept.Then.Add(new ClusterEffect.AwaitBeat()) }
            : decision;

    /// <summary>Asked again for the same start: the same answer, as long as the place is still good.</summary>
    private static HostReport? Held(Active s, Place c) =>
        s.Room.Promised.TryGetValue(c.Vm, out var held) && held.AskedAt == c.AskedAt
        && s.Room.Hosts.TryGetValue(held.Host, out var host) && host.TakesGuests
        && !c.Excluded.Contains(held.Host) && (c.Wanted is null || c.Wanted == held.Host) && Reaches(s, c, host)
            ? host
            : null;

    private static string? Wrong(ClusterConfig config) =>
        config.Name == "" ? "name"
        : config.MemoryOvercommitPercent is < 100 or > 200 ? "memory_policy.over_commit"
        : config.BrokenConnectivityThreshold is < 1 or > 100 ? "fencing_policy.skip_if_connectivity_broken.threshold"
        : config.MaxFencesAtOnce is < 0 or > 1000 ? "fencing_policy.max_fences_at_once"
        : config.MigrationNetwork != "" && MigrationNetwork.Read(config.MigrationNetwork) is null ? "migration.network_cidr"
        : config.Migration.Wrong();

    internal static Promised Promise(Room room, Place c, HostReport host) =>
        new Promised(new Reservation(c.Vm, c.AskedAt, host.Host, c.Shape.Memory, c.Shape.VCpus, room.Now) { From = c.Move?.From });

    internal static ClusterEffect Offer(Active s, Place c, HostReport host) =>
        new ClusterEffect.Offer(c.Vm, c.AskedAt, host.Host, host.Name, host.Incarnation)
        {
            Terms = c.Move is { } move ? Terms(s, c, move, host) : null,
        };

    private static MigrationTerms Terms(Active s, Place c, Move move, HostReport to)
    {
        var from = s.Room.Hosts.GetValueOrDefault(move.From);
        return MigrationNetwork.Of(s.Config) is { } network && network.Ways(from, to) is var (leaves, comes)
            ? Of(Slower(comes.Mbps, leaves.Mbps)) with { Address = comes.Address, Network = network.ToString() }
            : Of(Slower(to.LinkMbps, from?.LinkMbps ?? 0));

        MigrationTerms Of(int mbps) => MigrationTerms.Of(s.Config.Migration, move, c.Shape.VCpus, mbps);
    }

    private static bool Reaches(Active s, Place c, HostReport to) =>
        c.Move is not { } move || MigrationNetwork.Of(s.Config) is not { } network
        || network.Ways(s.Room.Hosts.GetValueOrDefault(move.From), to) is not null;

    private static int Slower(int one, int other) => one == 0 || other == 0 ? Math.Max(one, other) : Math.Min(one, other);

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
