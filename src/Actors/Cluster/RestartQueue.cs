using System.Collections.Immutable;
using static Orchestrator.Actors.Cluster.ClusterEvent;
using static Orchestrator.Actors.Cluster.ClusterState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// The order in which VMs come back after a failure: the highest priority first, as oVirt's AutoStartVmsRunner sorts them,
/// then who has waited longest. So many are launched at once on each host; the next follows when one of them runs. Pure.
/// </summary>
public static class RestartQueue
{
    /// <summary>Guests that one host launches at a time; below the 20 calls that libvirt's daemon works on at once.</summary>
    public const int LaunchesAtOnce = 16;

    /// <summary>The VMs of a dead host ask within 250 ms of each other; then the first gets its host. In beats.</summary>
    public const int Gathering = 2;

    /// <summary>A VM that has not asked for 15 s waits no more: it was stopped, say. In beats.</summary>
    public const long AskHolds = 120;

    /// <summary>A promise that has not become a launch after 10 s holds up no other restart. In beats.</summary>
    private const long LaunchAwaited = 80;

    public static Decision Join(Active s, ClusterCommand.Place ask) => Serve(s, [new Queued(ask)], ask.Vm);

    /// <summary>Takes the facts in, and gives the VMs that wait what hosts have.</summary>
    /// <param name="asker">The VM that is told when there is no host for it; the others have been told.</param>
    public static Decision Serve(Active before, ImmutableArray<ClusterEvent> facts, VmId? asker = null)
    {
        var s = (Active)facts.Aggregate((ClusterState)before, ClusterDecider.Evolve);
        if (s.Room.Restarts.IsEmpty || s.Room.Gathers > 0) return new Decision.Accept(facts);

        var said = ImmutableArray.CreateBuilder<ClusterEffect>();
        var all = facts.ToBuilder();
        var (busy, most) = Space(s);
        foreach (var (vm, restart) in s.Room.Restarts.OrderByDescending(r => r.Value.Ask.Shape.Priority)
            .ThenBy(r => r.Value.Since).ThenBy(r => r.Key.Value))
        {
            var ask = restart.Ask;
            // Looked at in one pass: that thousands wait for room must not cost a search each at every report.
            if (ask.Shape.Memory > most && vm != asker) continue;
            switch (Placement.Choose(s.Room, s.Config.MemoryOvercommitPercent, ask.Shape, vm, [.. ask.Excluded, .. busy], ask.Wanted))
            {
                case Choice.Found found:
                    var promised = ClusterDecider.Promise(s.Room, ask, found.Host);
                    all.Add(promised);
                    said.Add(ClusterDecider.Offer(s, ask, found.Host));
                    s = (Active)ClusterDecider.Evolve(s, promised);
                    (busy, most) = Space(s);
                    break;
                case Choice.None none when vm == asker && busy.IsEmpty && s.Room.Heard:
                    said.Add(new ClusterEffect.Refuse(vm, ask.AskedAt, none.Reasons));
                    break;
            }
        }

        return new Decision.Accept(all.ToImmutable()) { Then = said.ToImmutable() };
    }

    /// <summary>The hosts that launch as many as they may, and the bytes of the one with most room among the others.</summary>
    private static (ImmutableArray<HostId> Busy, long Most) Space(Active s)
    {
        var promised = s.Room.Promised.Values.Where(p => s.Room.Now - p.At < LaunchAwaited).CountBy(p => p.Host).ToDictionary();
        ImmutableArray<HostId> busy = [.. s.Room.Hosts.Values
            .Where(h => h.TakesGuests
                && promised.GetValueOrDefault(h.Host)
                    + h.Guests.Count(g => g.Launching && !s.Room.Promised.ContainsKey(g.Vm)) >= LaunchesAtOnce)
            .Select(h => h.Host)];
        return (busy, Placement.Most(s.Room, s.Config.MemoryOvercommitPercent, busy));
    }
}
